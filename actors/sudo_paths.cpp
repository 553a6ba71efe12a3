#include "actors/sudo_paths.h"

#include <array>

namespace coffer::actors {
namespace {

// A trailing '*' covers everything below; otherwise the whole path must be equal.
constexpr std::array<std::string_view, 24> kSudoPaths = {"sys/seal",
                                                         "sys/step-down",
                                                         "sys/cluster/*",
                                                         "sys/rotate",
                                                         "sys/rotate/*",
                                                         "sys/raw",
                                                         "sys/raw/*",
                                                         "sys/audit",
                                                         "sys/audit/*",
                                                         "sys/auth/*",
                                                         "sys/remount",
                                                         "sys/leases/revoke-prefix/*",
                                                         "sys/leases/revoke-force/*",
                                                         "sys/leases/lookup/*",
                                                         "sys/revoke-prefix/*",
                                                         "sys/revoke-force/*",
                                                         "sys/rekey/backup",
                                                         "sys/rekey/recovery-key-backup",
                                                         "sys/config/*",
                                                         "sys/actors",
                                                         "sys/events",
                                                         "sys/events/*",
                                                         "auth/token/revoke-orphan",
                                                         "auth/token/accessors*"};

bool matches(std::string_view pattern, std::string_view path) noexcept {
  if (!pattern.ends_with('*')) return path == pattern;
  return path.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

bool needs_sudo(policy::Operation, std::string_view path) noexcept {
  for (const auto pattern : kSudoPaths)
    if (matches(pattern, path)) return true;
  return false;
}

bool has_existence_check(const GateAdmission& admission) noexcept {
  if (!admission.mount) return false;
  if (!admission.mount->is_versioned()) return true;
  const std::string_view path = admission.mount_relative_path;
  return path.starts_with("data/") || path.starts_with("metadata/");
}

std::string secret_path_of(const GateAdmission& admission) {
  const std::string_view path = admission.mount_relative_path;
  if (!admission.mount->is_versioned()) return std::string(path);
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return {};
  return std::string(path.substr(slash + 1));
}

std::optional<bool> named_role_exists(const GateAdmission& admission) {
  constexpr std::string_view kRoles = "auth/token/roles/";
  const std::string_view path = admission.head.path;
  if (!path.starts_with(kRoles)) return std::nullopt;
  return admission.snapshot->view.state.token_roles.contains(
      std::string(path.substr(kRoles.size())));
}

}  // namespace coffer::actors
