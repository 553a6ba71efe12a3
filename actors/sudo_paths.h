// Which paths need the sudo capability besides the ordinary one ("root paths"), and which updates
// are creations when the object does not exist. Source: Vault's API, docs/policies.md.
#pragma once

#include <string_view>

#include "actors/admission.h"

namespace coffer::actors {

[[nodiscard]] bool needs_sudo(policy::Operation operation, std::string_view path) noexcept;

// True for data/ and metadata/ of a KV mount.
[[nodiscard]] bool has_existence_check(const GateAdmission& admission) noexcept;
// "data/app/db" -> "app/db".
[[nodiscard]] std::string secret_path_of(std::string_view mount_relative_path);

}  // namespace coffer::actors
