// The top of the tree: owns the directory of tenants, creates and deletes them one at a time.
#pragma once

#include <caf/all.hpp>

#include "actors/services.h"

namespace coffer::actors {

[[nodiscard]] SystemRef spawn_system_actor(caf::actor_system& system, Services& services,
                                           ActorStatsPtr stats);

}  // namespace coffer::actors
