// One secret: loads its snapshot on first use, decides one command at a time, publishes what became
// durable. While a command is under way later ones wait in a bounded queue. Never blocks but for a
// point read of the store. Ends when it is told to retire and nothing is under way.
//
//   idle ── write ──> data key from the HSM worker ──> seal, decide ──> log ──> evolve, publish ─>
//   idle
//     └──── change ─────────────────────────────────> decide ─────────^
#pragma once

#include <caf/all.hpp>

#include "actors/services.h"

namespace coffer::actors {

// `keys` and `settings` of the mount are those at spawn; the tenant's actor ends its secret actors
// when either changes.
struct SecretPlace {
  SecretKey key;
  TenantKeysPtr keys;
  PartitionId partition = 0;
};

[[nodiscard]] SecretRef spawn_secret_actor(caf::local_actor& parent, Services& services,
                                           SecretPlace place, std::string tenant_path,
                                           std::uint64_t parent_id);

}  // namespace coffer::actors
