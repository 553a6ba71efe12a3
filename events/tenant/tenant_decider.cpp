#include "events/tenant/tenant_decider.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>

#include "events/policy/password_policy.h"
#include "events/quota/rate_limit.h"

namespace coffer::tenant {
namespace {

constexpr std::array<std::string_view, 5> kBuiltinMounts = {"sys/", "auth/", "cubbyhole/",
                                                            "identity/", "audit/"};
constexpr std::array<std::string_view, 6> kReservedNames = {"root", "sys",       "audit",
                                                            "auth", "cubbyhole", "identity"};

Error invalid(std::string text) {
  return fail(ErrorCode::invalid_argument, std::move(text));
}

std::string with_slash(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  std::string out(path);
  if (!out.ends_with('/')) out.push_back('/');
  return out;
}

Result<void> check_tuning(const MountTuning& tuning) {
  if (tuning.listing_visibility && !tuning.listing_visibility->empty() &&
      *tuning.listing_visibility != "hidden" && *tuning.listing_visibility != "unauth")
    return invalid("invalid listing_visibility type, must be \"unauth\" or \"hidden\"");
  if (tuning.default_lease_ttl && tuning.default_lease_ttl->count < 0)
    return invalid("default_lease_ttl must not be negative");
  if (tuning.max_lease_ttl && tuning.max_lease_ttl->count < 0)
    return invalid("max_lease_ttl must not be negative");
  if (tuning.description && tuning.description->size() > 4096)
    return invalid("description is longer than 4096 bytes");
  return {};
}

// As they will stand on the mount; 0 means the system's.
Result<void> check_ttls(Seconds default_ttl, Seconds max_ttl) {
  if (max_ttl.count != 0 && default_ttl > max_ttl)
    return invalid("default_lease_ttl cannot be greater than max_lease_ttl");
  return {};
}

// Where something shall be mounted; `refusal` is what a built-in place is answered with.
Result<void> check_mount_place(const std::string& path, std::string_view refusal) {
  if (path == "/" || path.size() > kMountPathBytesMax)
    return invalid(fmt::format("mount path must have 1 to {} bytes", kMountPathBytesMax));
  for (std::string_view builtin : kBuiltinMounts)
    if (path.starts_with(builtin)) return invalid(fmt::format("{} \"{}\"", refusal, builtin));
  const bool printable = std::all_of(path.begin(), path.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '*' && c != '+' && c != 0x7F;
  });
  if (!printable || path.find("//") != std::string::npos)
    return invalid("mount path holds a character that is not allowed");
  return {};
}

// The mount that `path` equals, lies in or lies above; mounts never nest.
const Mount* find_conflict(const TenantState& state, const std::string& path) {
  for (const auto& [existing, mount] : state.mounts)
    if (path.starts_with(existing) || existing.starts_with(path)) return &mount;
  return nullptr;
}

struct MountType {
  std::string type;
  TextMap options;
};
// Vault's aliases: kv-v2 and kv-v1 name the version in the type; generic is version 1 of old.
Result<MountType> mount_type(const EnableMount& command) {
  MountType out{command.type, command.options};
  if (out.type.empty()) return invalid("backend type must be specified as a string");
  if (out.type == "generic") return out;
  if (out.type == "kv-v1" || out.type == "kv-v2") {
    out.options.insert_or_assign("version", out.type.substr(4));
    out.type = "kv";
  }
  if (out.type != "kv")
    return invalid(fmt::format("plugin not found in the catalog: {}", out.type));
  const auto version = out.options.find("version");
  if (version != out.options.end() && !version->second.empty() && version->second != "1" &&
      version->second != "2")
    return invalid("nil backend of type \"kv\" returned from factory");
  return out;
}

// Of a secret in version 1 only the value written last is kept.
constexpr secret::MountSettings kUnversioned{
    .max_versions = 1, .cas_required = false, .delete_version_after = {}};

Result<void> check_version(const Mount& mount, const std::string& wanted) {
  if (wanted == "1" && mount.is_versioned())
    return invalid("cannot downgrade mount from version 2");
  if (wanted != "1" && wanted != "2")
    return invalid(fmt::format("unable to convert version {} to a supported one", wanted));
  if (wanted == "2" && mount.type != "kv")
    return invalid(fmt::format("a mount of type \"{}\" has no version 2", mount.type));
  return {};
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// A name as roles and their path suffixes have it: words, joined by '.' and '-'.
bool is_role_word(std::string_view name) {
  return !name.empty() && name.size() <= kTokenRoleNameBytesMax && is_word(name.front()) &&
         is_word(name.back()) && std::all_of(name.begin(), name.end(), [](char c) {
           return is_word(c) || c == '.' || c == '-';
         });
}

Result<void> check_role(const token::TokenRole& role) {
  if (!role.path_suffix.empty() && !is_role_word(role.path_suffix))
    return invalid("given role path suffix contains invalid characters");
  if (role.period.count < 0) return invalid("'token_period' cannot be negative");
  if (role.explicit_max_ttl.count < 0)
    return invalid("'token_explicit_max_ttl' cannot be negative");
  std::size_t bytes = 0;
  for (const auto* names :
       {&role.allowed_policies, &role.disallowed_policies, &role.allowed_policies_glob,
        &role.disallowed_policies_glob, &role.allowed_entity_aliases})
    for (const auto& name : *names) bytes += name.size() + 1;
  if (bytes > kTokenRoleBytesMax)
    return invalid(fmt::format("a token role has at most {} bytes", kTokenRoleBytesMax));
  return {};
}

token::TokenRole changed_role(token::TokenRole role, const WriteTokenRole& change) {
  const auto set = [](auto& member, const auto& wanted) {
    if (wanted) member = *wanted;
  };
  set(role.allowed_policies, change.allowed_policies);
  set(role.disallowed_policies, change.disallowed_policies);
  set(role.allowed_policies_glob, change.allowed_policies_glob);
  set(role.disallowed_policies_glob, change.disallowed_policies_glob);
  set(role.orphan, change.orphan);
  set(role.renewable, change.renewable);
  set(role.no_default_policy, change.no_default_policy);
  set(role.path_suffix, change.path_suffix);
  set(role.period, change.period);
  set(role.explicit_max_ttl, change.explicit_max_ttl);
  set(role.num_uses, change.num_uses);
  set(role.allowed_entity_aliases, change.allowed_entity_aliases);
  return role;
}

// A path segment as quotas and password policies are named.
Result<void> check_name(std::string_view name) {
  if (!is_role_word(name))
    return invalid(fmt::format("a name has 1 to {} letters, digits, '_', '.' and '-'",
                               kTokenRoleNameBytesMax));
  return {};
}

// What a quota counts must be there: a mount, something built in, or a namespace below. A mount may
// be named without its slash.
Result<std::string> quota_path(const TenantState& state, const WriteRateLimit& command) {
  std::string_view given = command.limit.path;
  while (given.starts_with('/')) given.remove_prefix(1);
  std::string path(given);
  if (path.empty()) return path;
  const auto place = path.substr(0, path.find('*'));
  if (command.names_child) return path;
  if (is_builtin_mount(place.ends_with('/') ? place : place + "/")) return path;
  const auto* mount = state.find_mount(place.ends_with('/') ? place : place + "/");
  if (mount == nullptr) mount = state.find_mount(place);
  if (mount == nullptr) return invalid("invalid path: no mount or namespace is there");
  if (path + "/" == mount->path) return mount->path;
  return path;
}

struct Decider {
  const TenantState& state;
  Timestamp now;

  Result<std::vector<Event>> operator()(const CreateTenant& c) const {
    if (state.exists) return fail(ErrorCode::already_exists, "namespace already exists");
    if (!c.name.empty()) COFFER_TRY(check_tenant_name(c.name));
    return std::vector<Event>{TenantCreated{c.parent, c.name, c.custom_metadata, now}};
  }
  Result<std::vector<Event>> operator()(const ChangeTenantMetadata& c) const {
    if (c.custom_metadata == state.custom_metadata) return std::vector<Event>{};
    return std::vector<Event>{TenantMetadataChanged{c.custom_metadata}};
  }
  Result<std::vector<Event>> operator()(const DeleteTenant& c) const {
    if (state.name.empty()) return invalid("the root namespace cannot be deleted");
    if (c.has_children) return invalid("unable to delete namespace containing child namespaces");
    return std::vector<Event>{TenantDeleted{now}};
  }
  Result<std::vector<Event>> operator()(const EnableMount& c) const {
    const auto path = with_slash(c.path);
    COFFER_TRY(check_mount_place(path, "cannot mount"));
    if (const auto* existing = find_conflict(state, path))
      return invalid(fmt::format("path is already in use at {}", existing->path));
    COFFER_TRY(check_tuning(c.tuning));
    COFFER_TRY(check_ttls(c.tuning.default_lease_ttl.value_or(Seconds{0}),
                          c.tuning.max_lease_ttl.value_or(Seconds{0})));
    COFFER_ASSIGN(auto kind, mount_type(c));
    if (state.mounts.size() >= kMountsMax)
      return fail(ErrorCode::quota_exceeded, fmt::format("at most {} mounts", kMountsMax));
    const auto accessor = kind.type + "_" + c.accessor_suffix;
    const bool versioned = is_versioned_kv(kind.type, kind.options);
    std::vector<Event> events{MountEnabled{c.id, path, std::move(kind.type), accessor,
                                           std::move(kind.options), c.tuning, c.local, c.seal_wrap,
                                           now}};
    if (!versioned) events.emplace_back(MountSettingsChanged{path, kUnversioned});
    return events;
  }
  Result<std::vector<Event>> operator()(const TuneMount& c) const {
    const auto path = with_slash(c.path);
    const auto found = state.mounts.find(path);
    if (found == state.mounts.end())
      return invalid(fmt::format("cannot fetch sysview for path \"{}\"", c.path));
    if (c.version) COFFER_TRY(check_version(found->second, *c.version));
    COFFER_TRY(check_tuning(c.tuning));
    COFFER_TRY(check_ttls(c.tuning.default_lease_ttl.value_or(found->second.default_lease_ttl),
                          c.tuning.max_lease_ttl.value_or(found->second.max_lease_ttl)));
    std::vector<Event> events;
    if (c.tuning != MountTuning{}) events.emplace_back(MountTuned{path, c.tuning});
    if (c.version && *c.version == "2" && !found->second.is_versioned()) {
      auto options = found->second.options;
      options.insert_or_assign("version", *c.version);
      events.emplace_back(MountOptionsChanged{path, std::move(options)});
      events.emplace_back(MountSettingsChanged{path, {}});
    }
    return events;
  }
  Result<std::vector<Event>> operator()(const DisableMount& c) const {
    const auto path = with_slash(c.path);
    for (std::string_view builtin : kBuiltinMounts)
      if (path == builtin) return invalid(fmt::format("cannot unmount \"{}\"", builtin));
    const auto found = state.mounts.find(path);
    if (found == state.mounts.end()) return std::vector<Event>{};
    return std::vector<Event>{MountDisabled{path, found->second.id}};
  }
  Result<std::vector<Event>> operator()(const MoveMount& c) const {
    const auto from = with_slash(c.from);
    const auto to = with_slash(c.to);
    for (std::string_view builtin : kBuiltinMounts)
      if (from.starts_with(builtin)) return invalid(fmt::format("cannot remount \"{}\"", builtin));
    COFFER_TRY(check_mount_place(to, "cannot remount to"));
    const auto found = state.mounts.find(from);
    if (found == state.mounts.end())
      return invalid(fmt::format("no matching mount at \"{}\"", from));
    if (const auto* existing = find_conflict(state, to))
      return invalid(fmt::format("path in use at \"{}\"", existing->path));
    return std::vector<Event>{MountMoved{from, to, found->second.id, c.migration}};
  }
  Result<std::vector<Event>> operator()(const ChangeMountSettings& c) const {
    const auto path = with_slash(c.path);
    const auto found = state.mounts.find(path);
    if (found == state.mounts.end()) return fail(ErrorCode::not_found, "no such mount");
    if (!found->second.is_versioned()) return invalid("the mount has no settings of version 2");
    auto settings = found->second.settings;
    if (c.max_versions) settings.max_versions = *c.max_versions;
    if (c.cas_required) settings.cas_required = *c.cas_required;
    if (c.delete_version_after) settings.delete_version_after = *c.delete_version_after;
    if (settings == found->second.settings) return std::vector<Event>{};
    return std::vector<Event>{MountSettingsChanged{path, settings}};
  }
  Result<std::vector<Event>> operator()(const WriteTokenRole& c) const {
    if (!is_role_word(c.name))
      return invalid(fmt::format("a role name has 1 to {} letters, digits, '_', '.' and '-'",
                                 kTokenRoleNameBytesMax));
    const auto found = state.token_roles.find(c.name);
    const bool is_new = found == state.token_roles.end();
    if (is_new && state.token_roles.size() >= kTokenRolesMax)
      return fail(ErrorCode::quota_exceeded, fmt::format("at most {} token roles", kTokenRolesMax));
    auto role = changed_role(is_new ? token::TokenRole{} : found->second, c);
    COFFER_TRY(check_role(role));
    if (!is_new && role == found->second) return std::vector<Event>{};
    return std::vector<Event>{TokenRoleWritten{c.name, std::move(role)}};
  }
  Result<std::vector<Event>> operator()(const RemoveTokenRole& c) const {
    if (!state.token_roles.contains(c.name)) return std::vector<Event>{};
    return std::vector<Event>{TokenRoleRemoved{c.name}};
  }
  Result<std::vector<Event>> operator()(const WritePasswordPolicy& c) const {
    COFFER_TRY(check_name(c.name));
    COFFER_TRY(policy::parse_password_policy(c.text));
    const auto found = state.password_policies.find(c.name);
    if (found == state.password_policies.end() &&
        state.password_policies.size() >= kPasswordPoliciesMax)
      return fail(ErrorCode::quota_exceeded,
                  fmt::format("at most {} password policies", kPasswordPoliciesMax));
    if (found != state.password_policies.end() && found->second == c.text)
      return std::vector<Event>{};
    return std::vector<Event>{PasswordPolicyWritten{c.name, c.text}};
  }
  Result<std::vector<Event>> operator()(const RemovePasswordPolicy& c) const {
    if (!state.password_policies.contains(c.name)) return std::vector<Event>{};
    return std::vector<Event>{PasswordPolicyRemoved{c.name}};
  }
  Result<std::vector<Event>> operator()(const WriteRateLimit& c) const {
    COFFER_TRY(check_name(c.name));
    auto limit = c.limit;
    COFFER_TRY(quota::check_limit(limit));
    COFFER_ASSIGN(limit.path, quota_path(state, c));
    for (const auto& [name, other] : state.rate_limits)
      if (name != c.name && other.path == limit.path)
        return invalid(
            fmt::format("quota rule with similar properties exists under the name \"{}\"", name));
    const auto found = state.rate_limits.find(c.name);
    if (found == state.rate_limits.end() && state.rate_limits.size() >= kRateLimitsMax)
      return fail(ErrorCode::quota_exceeded, fmt::format("at most {} quotas", kRateLimitsMax));
    if (found != state.rate_limits.end() && found->second == limit) return std::vector<Event>{};
    return std::vector<Event>{RateLimitWritten{c.name, std::move(limit)}};
  }
  Result<std::vector<Event>> operator()(const RemoveRateLimit& c) const {
    if (!state.rate_limits.contains(c.name)) return std::vector<Event>{};
    return std::vector<Event>{RateLimitRemoved{c.name}};
  }
  Result<std::vector<Event>> operator()(const ChangeQuotaSettings& c) const {
    if (c.exempt_paths.size() > kExemptPathsMax)
      return invalid(fmt::format("at most {} exempt paths", kExemptPathsMax));
    for (const auto& path : c.exempt_paths)
      if (path.empty() || path.size() > quota::kPathBytesMax)
        return invalid(fmt::format("an exempt path has 1 to {} bytes", quota::kPathBytesMax));
    if (state.quota_exempt_paths == c.exempt_paths) return std::vector<Event>{};
    return std::vector<Event>{QuotaSettingsChanged{c.exempt_paths}};
  }
  Result<std::vector<Event>> operator()(const ChangeUnsealShares& c) const {
    if (!state.name.empty()) return invalid("the key shares are the root namespace's");
    return std::vector<Event>{UnsealSharesChanged{c.shares, c.threshold, now}};
  }
};

}  // namespace

Result<void> check_tenant_name(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return invalid("namespace name cannot contain /");
  if (name.empty() || name.size() > kTenantNameBytesMax)
    return invalid(fmt::format("namespace name must have 1 to {} bytes", kTenantNameBytesMax));
  const bool allowed = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '+' && c != '*' && c != 0x7F;
  });
  if (!allowed || name == "." || name == "..")
    return invalid("namespace name holds a character that is not allowed");
  if (std::find(kReservedNames.begin(), kReservedNames.end(), name) != kReservedNames.end())
    return invalid(
        fmt::format("\"{}\" is a reserved path and cannot be used as a namespace", name));
  return {};
}

bool is_builtin_mount(std::string_view path) noexcept {
  return std::any_of(kBuiltinMounts.begin(), kBuiltinMounts.end(),
                     [&](std::string_view builtin) { return path.starts_with(builtin); });
}

Result<std::vector<Event>> decide(const TenantState& state, const Command& command, Timestamp now) {
  const bool creates = std::holds_alternative<CreateTenant>(command);
  if (!creates && (!state.exists || state.deleted))
    return fail(ErrorCode::not_found, "namespace not found");
  return std::visit(Decider{state, now}, command);
}

}  // namespace coffer::tenant
