#include <fmt/format.h>

#include "tests/cluster_sim/cluster_simulation.h"

namespace coffer::sim {

namespace {

// What shows that a lease is wrong: an owner that stands still behind a record it has sent, while
// the next one begins, and clients that ask it again as soon as it goes on.
ClusterOptions about_leases(std::uint64_t seed, testing::SeededRandom& random) {
  ClusterOptions options;
  options.seed = seed;
  options.clients = static_cast<unsigned>(6 + random.below(6));
  options.registers = 1;
  options.requests = 300;
  options.read_percent = 90;
  options.unaudited_percent = 100;
  options.think_max = static_cast<Nanos>(30 + random.below(100)) * kMillisecond;
  options.drift_ppm_max = 40'000;
  options.stop_permille = static_cast<unsigned>(20 + random.below(100));
  options.lease = log::Milliseconds(100 + random.below(1'200));
  return options;
}

}  // namespace

// A run in which everything fails shows little: each fault is off in half of the runs.
ClusterOptions ClusterOptions::draw(std::uint64_t seed) {
  testing::SeededRandom random(seed * 0x9E3779B97F4A7C15ull + 1);
  if (seed % 8 == 0) return about_leases(seed, random);
  const auto up_to = [&](unsigned max) { return static_cast<unsigned>(1 + random.below(max)); };
  const auto maybe = [&](unsigned max) { return random.below(2) == 0 ? 0u : up_to(max); };
  ClusterOptions options;
  options.seed = seed;
  options.nodes = 2 + up_to(3);
  options.clients = 1 + up_to(5);
  options.registers = up_to(4);
  options.requests = 60 + up_to(120);
  constexpr unsigned kReads[] = {40, 40, 80, 95};
  options.read_percent = kReads[random.below(4)];
  options.unaudited_percent = random.below(2) == 0 ? 50 : 95;
  options.think_max = Nanos{20 + up_to(300)} * kMillisecond;
  options.fault_pause_max = Nanos{200 + up_to(2'000)} * kMillisecond;
  options.crash_weight = maybe(4);
  options.stop_weight = maybe(4);
  options.partition_weight = maybe(4);
  options.fail_over_weight = maybe(4);
  options.misbehaviour_permille = maybe(150);
  options.drift_ppm_max = maybe(40'000);
  options.loss_permille = maybe(50);
  options.slow_permille = maybe(20);
  if (random.below(4) == 0) options.slow_answer_permille = up_to(300);
  if (random.below(3) == 0) options.stop_permille = up_to(30);
  options.process.preempt_permille = maybe(20);
  options.process.stop_per_million = maybe(600);
  if (random.below(2) == 0) options.lease = log::Milliseconds(100 + up_to(900));
  options.hsm_weight = maybe(2);
  return options;
}

std::string ClusterOptions::to_string() const {
  return fmt::format(
      "seed {}: {} nodes, {} clients, {} registers, {} requests ({}% reads, {}% unaudited), think "
      "{} ms, lease {} ms, a fault in {} ms; crash {}, stop {}, partition {}, fail-over {}, HSM "
      "{}; group "
      "{}, loss {}, slow {}, slow acknowledgements {}, stops behind a record {}, preempt {} per "
      "mille, stops {} per million, drift {} ppm",
      seed, nodes, clients, registers, requests, read_percent, unaudited_percent,
      think_max / kMillisecond, lease.count(), fault_pause_max / kMillisecond, crash_weight,
      stop_weight, partition_weight, fail_over_weight, hsm_weight, misbehaviour_permille,
      loss_permille, slow_permille, slow_answer_permille, stop_permille, process.preempt_permille,
      process.stop_per_million, drift_ppm_max);
}

}  // namespace coffer::sim
