#include <fmt/format.h>

#include "tests/cluster_sim/cluster_simulation.h"

namespace coffer::sim {

// A run in which everything fails shows little: each fault is off in half of the runs.
ClusterOptions ClusterOptions::draw(std::uint64_t seed) {
  testing::SeededRandom random(seed * 0x9E3779B97F4A7C15ull + 1);
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
  options.process.preempt_permille = maybe(20);
  options.process.stop_per_million = maybe(150);
  if (random.below(4) == 0) options.lease = log::Milliseconds(300 + up_to(1'500));
  return options;
}

std::string ClusterOptions::to_string() const {
  return fmt::format(
      "seed {}: {} nodes, {} clients, {} registers, {} requests ({}% reads, {}% unaudited), think "
      "{} ms, lease {} ms, a fault "
      "in {} ms; crash {}, stop {}, partition {}, fail-over {}; group {}, loss {}, slow {}, "
      "preempt "
      "{} per mille, stops {} per million, drift {} ppm",
      seed, nodes, clients, registers, requests, read_percent, unaudited_percent,
      think_max / kMillisecond, lease.count(), fault_pause_max / kMillisecond, crash_weight,
      stop_weight, partition_weight, fail_over_weight, misbehaviour_permille, loss_permille,
      slow_permille, process.preempt_permille, process.stop_per_million, drift_ppm_max);
}

}  // namespace coffer::sim
