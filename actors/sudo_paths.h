// Which paths need the sudo capability besides the ordinary one ("root paths"), and which updates
// are creations when the object does not exist. Source: Vault's API, docs/policies.md.
#pragma once

#include <string_view>

#include "actors/admission.h"

namespace coffer::actors {

[[nodiscard]] bool needs_sudo(policy::Operation operation, std::string_view path) noexcept;

// True for data/ and metadata/ of a KV mount of version 2, and for every path of one of version 1.
[[nodiscard]] bool has_existence_check(const GateAdmission& admission) noexcept;
// The secret that a path with an existence check names: "data/app/db" -> "app/db".
[[nodiscard]] std::string secret_path_of(const GateAdmission& admission);
// Whether the token role that the path names is there; nothing when it names none.
[[nodiscard]] std::optional<bool> named_role_exists(const GateAdmission& admission);

}  // namespace coffer::actors
