#include "tests/sim/sim_options.h"

#include <fmt/format.h>

#include "tests/support/seeded_random.h"

namespace coffer::sim {
namespace {

// A run in which everything fails shows little: each fault is off in half of the runs.
unsigned maybe(testing::SeededRandom& random, unsigned permille_max) {
  return random.below(2) == 0 ? 0 : static_cast<unsigned>(1 + random.below(permille_max));
}

void draw_limits(actors::RuntimeOptions& runtime, testing::SeededRandom& random) {
  auto& limits = runtime.limits;
  runtime.locked_keys_max = 4096;
  runtime.data_keys.entries_max = random.below(2) == 0 ? 16 : 1000;
  runtime.seal.type = random.below(2) == 0 ? api::SealType::automatic : api::SealType::shamir;
  limits.refusals_per_second = 1'000'000;
  limits.access_age_max = Seconds{1'000'000'000};
  limits.secret_idle = Seconds{static_cast<std::int64_t>(1 + random.below(30))};
  if (random.below(2) == 0) limits.secret_actors_max = 2;
  if (random.below(2) == 0) limits.secret_cache_bytes = 1;
  if (random.below(4) == 0) limits.token_cache_entries = 16;
  if (random.below(4) == 0) limits.mailbox_max = 2 + random.below(6);
  if (random.below(4) == 0) limits.secret_queue_max = 1 + random.below(3);
  if (random.below(8) == 0) limits.requests_max = 2 + random.below(4);
}

}  // namespace

SimOptions SimOptions::draw(std::uint64_t seed) {
  testing::SeededRandom random(seed);
  SimOptions options;
  options.seed = seed;
  options.clients = static_cast<unsigned>(1 + random.below(6));
  options.requests = static_cast<unsigned>(60 + random.below(120));
  options.paths = static_cast<unsigned>(1 + random.below(5));
  options.step_percent = static_cast<unsigned>(50 + random.below(45));
  options.crash_permille = maybe(random, 20);
  options.refused_append_permille = maybe(random, 60);
  options.unknown_append_permille = maybe(random, 20);
  options.hsm_permille = maybe(random, 20);
  options.clock_permille = maybe(random, 40);
  options.actor_crash_permille = maybe(random, 20);
  options.seal_permille = maybe(random, 8);
  options.structure_percent = static_cast<unsigned>(random.below(30));
  options.token_percent = static_cast<unsigned>(random.below(30));
  draw_limits(options.runtime, random);
  options.rotation_permille = maybe(random, 100);
  if (random.below(4) == 0) options.runtime.limits.tenant_key_wraps_max = 40 + random.below(100);
  if (random.below(2) == 0) options.runtime.limits.rewraps_per_second = 1 + random.below(50);
  return options;
}

std::string SimOptions::to_string() const {
  const auto& limits = runtime.limits;
  return fmt::format(
      "seed {}: {} clients, {} requests, {} paths, {}% steps; crash {}, refused {}, unknown {}, "
      "hsm "
      "{}, clock {}, actor crash {}, seal {} per mille; structure {}%, tokens {}%; shamir {}, "
      "secret actors {}, idle {} s, secret cache {}, token cache {}, mailbox {}, queue {}, "
      "requests "
      "{}, data keys {}; rotations {} per mille, wraps {}, re-wraps {} a second",
      seed, clients, requests, paths, step_percent, crash_permille, refused_append_permille,
      unknown_append_permille, hsm_permille, clock_permille, actor_crash_permille, seal_permille,
      structure_percent, token_percent, runtime.seal.type == api::SealType::shamir,
      limits.secret_actors_max, limits.secret_idle.count, limits.secret_cache_bytes,
      limits.token_cache_entries, limits.mailbox_max, limits.secret_queue_max, limits.requests_max,
      runtime.data_keys.entries_max, rotation_permille, limits.tenant_key_wraps_max,
      limits.rewraps_per_second);
}

}  // namespace coffer::sim
