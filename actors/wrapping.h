// Where wrapped answers lie: secrets of a mount that every tenant has, that no path leads to and
// that no client can enable, move or disable. A wrapped answer's path is its token's id in hex.
#pragma once

#include "actors/admission.h"

namespace coffer::actors {

// Random mount ids are never this one: its bytes are text.
inline constexpr MountId kWrappingMount{
    {'w', 'r', 'a', 'p', 'p', 'e', 'd', ' ', 'a', 'n', 's', 'w', 'e', 'r', 's', 0}};
inline constexpr secret::MountSettings kWrappingSettings{
    .max_versions = 1, .cas_required = false, .delete_version_after = {}};

// Destroys what is stored for the token, if anything; nobody waits for it.
void drop_wrapped(const Services& services, const TenantSnapshot& tenant, const TokenId& token);

// Destroys the answers of a tenant whose time is over. Scans on the reader's thread.
void sweep_wrapped(Services& services, const TenantSnapshotPtr& tenant);

}  // namespace coffer::actors
