// Where cubbyholes lie: each is one secret, below a mount that every tenant has and no client can
// enable, move or disable, under its token's id in hex. Its value is one JSON object: the entries'
// values by path. So a cubbyhole is sealed, re-wrapped and destroyed as any secret is, has one
// bound on its size, and goes with one key when its token does.
#pragma once

#include "actors/admission.h"

namespace coffer::actors {

// Random mount ids are never this one: its bytes are text.
inline constexpr MountId kCubbyholeMount{
    {'c', 'u', 'b', 'b', 'y', 'h', 'o', 'l', 'e', 's', 0, 0, 0, 0, 0, 0}};
inline constexpr secret::MountSettings kCubbyholeSettings{
    .max_versions = 1, .cas_required = false, .delete_version_after = {}};

// As large as a value may be, and one level deeper than a request's body.
inline constexpr json::ParseLimits kCubbyholeLimits{
    .depth_max = 128, .nodes_max = 2'000'000, .strings_max = 0};

// The mount as an admission shows it; nothing when the path is not a cubbyhole's.
[[nodiscard]] std::optional<tenant::Mount> cubbyhole_mount(std::string_view path);

// Destroys the token's cubbyhole, if it has one; nobody waits for it.
void drop_cubbyhole(const Services& services, const TenantSnapshot& tenant, const TokenId& token);

// Destroys the cubbyholes of dead tokens that a write has made while the token died. Scans on the
// reader's thread.
void sweep_cubbyholes(Services& services, const TenantSnapshotPtr& tenant);

}  // namespace coffer::actors
