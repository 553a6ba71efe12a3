// One partition: owns its tenants' actors, wakes them on first use, and supervises them. A crashed
// tenant is loaded again from what the log holds; one that keeps crashing is quarantined, others
// do not notice.
#pragma once

#include <caf/all.hpp>

#include "actors/services.h"

namespace coffer::actors {

[[nodiscard]] PartitionRef spawn_partition_actor(caf::actor_system& system, Services& services,
                                                 PartitionId partition, std::uint64_t parent_id);

}  // namespace coffer::actors
