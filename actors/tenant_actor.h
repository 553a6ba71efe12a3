// One tenant: opens its keys, decides what concerns its mounts, policies and tokens, and owns its
// secret actors (wakes, bounds, passivates, quarantines them). See tenant_actor_impl.h for the
// parts.
#pragma once

#include <caf/all.hpp>

#include "actors/services.h"

namespace coffer::actors {

[[nodiscard]] TenantRef spawn_tenant_actor(caf::local_actor& parent, Services& services,
                                           const DirectoryEntry& entry, std::uint64_t parent_id);

}  // namespace coffer::actors
