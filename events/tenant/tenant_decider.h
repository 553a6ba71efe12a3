// The rules of a tenant: names, mounts, KV settings, token roles. Pure. Error texts are Vault's.
#pragma once

#include <variant>
#include <vector>

#include "events/tenant/tenant_state.h"

namespace coffer::tenant {

struct CreateTenant {
  TenantId parent;
  std::string name;
  TextMap custom_metadata;
};
struct ChangeTenantMetadata {
  TextMap custom_metadata;
};
struct DeleteTenant {
  bool has_children = false;
};
struct EnableMount {
  MountId id;
  std::string path;  // with or without trailing '/'
  std::string type;
  std::string accessor_suffix;  // random hex
  TextMap options;
  MountTuning tuning;
  bool local = false;
  bool seal_wrap = false;
};
struct TuneMount {
  std::string path;
  MountTuning tuning;
  std::optional<std::string> version;  // options.version asked for
};
struct DisableMount {
  std::string path;
};
// Absent members stay as they are.
struct ChangeMountSettings {
  std::string path;
  std::optional<std::uint32_t> max_versions;
  std::optional<bool> cas_required;
  std::optional<Seconds> delete_version_after;
};
struct MoveMount {
  std::string from;
  std::string to;
  MigrationId migration;  // random
};
// Creates the role or changes it; absent members stay as they are. Lists come sorted, without
// doubles.
struct WriteTokenRole {
  std::string name;
  std::optional<std::vector<std::string>> allowed_policies;
  std::optional<std::vector<std::string>> disallowed_policies;
  std::optional<std::vector<std::string>> allowed_policies_glob;
  std::optional<std::vector<std::string>> disallowed_policies_glob;
  std::optional<bool> orphan;
  std::optional<bool> renewable;
  std::optional<bool> no_default_policy;
  std::optional<std::string> path_suffix;
  std::optional<Seconds> period;
  std::optional<Seconds> explicit_max_ttl;
  std::optional<std::uint64_t> num_uses;
  std::optional<std::vector<std::string>> allowed_entity_aliases = {};
};
struct RemoveTokenRole {
  std::string name;
};
struct WritePasswordPolicy {
  std::string name;
  std::string text;
};
struct RemovePasswordPolicy {
  std::string name;
};
struct WriteRateLimit {
  std::string name;
  quota::RateLimit limit;
  bool names_child = false;  // the path begins with a child namespace that exists
};
struct RemoveRateLimit {
  std::string name;
};
struct ChangeQuotaSettings {
  std::vector<std::string> exempt_paths;
};
// Records what the seal has decided; of the root tenant alone.
struct ChangeUnsealShares {
  std::uint32_t shares = 0;
  std::uint32_t threshold = 0;
};

using Command =
    std::variant<CreateTenant, ChangeTenantMetadata, DeleteTenant, EnableMount, TuneMount,
                 DisableMount, ChangeMountSettings, MoveMount, WriteTokenRole, RemoveTokenRole,
                 WritePasswordPolicy, RemovePasswordPolicy, WriteRateLimit, RemoveRateLimit,
                 ChangeQuotaSettings, ChangeUnsealShares>;

inline constexpr std::size_t kMountsMax = 1000;
inline constexpr std::size_t kTokenRolesMax = 1000;
inline constexpr std::size_t kTokenRoleNameBytesMax = 128;
inline constexpr std::size_t kTokenRoleBytesMax = 64 * 1024;  // all its texts together
inline constexpr std::size_t kPasswordPoliciesMax = 1000;
inline constexpr std::size_t kRateLimitsMax = 500;  // each request of the tenant looks at them
inline constexpr std::size_t kQuotaNameBytesMax = 128;
inline constexpr std::size_t kExemptPathsMax = 100;
inline constexpr std::size_t kMountPathBytesMax = 512;
inline constexpr std::size_t kTenantNameBytesMax = 128;

[[nodiscard]] Result<std::vector<Event>> decide(const TenantState& state, const Command& command,
                                                Timestamp now);

// A namespace name that can be created; invalid_argument otherwise.
[[nodiscard]] Result<void> check_tenant_name(std::string_view name);

// True for "sys/", "auth/", "cubbyhole/", "identity/" and what lies below them.
[[nodiscard]] bool is_builtin_mount(std::string_view path) noexcept;

}  // namespace coffer::tenant
