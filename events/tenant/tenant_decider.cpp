#include "events/tenant/tenant_decider.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>

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

Result<void> check_mount_path(const TenantState& state, const std::string& path) {
  if (path == "/" || path.size() > kMountPathBytesMax)
    return invalid(fmt::format("mount path must have 1 to {} bytes", kMountPathBytesMax));
  for (std::string_view builtin : kBuiltinMounts)
    if (path.starts_with(builtin)) return invalid(fmt::format("cannot mount \"{}\"", builtin));
  const bool printable = std::all_of(path.begin(), path.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '*' && c != '+' && c != 0x7F;
  });
  if (!printable || path.find("//") != std::string::npos)
    return invalid("mount path holds a character that is not allowed");
  for (const auto& [existing, mount] : state.mounts)
    if (path.starts_with(existing) || existing.starts_with(path))
      return invalid(fmt::format("path is already in use at {}", existing));
  return {};
}

// Vault's aliases: kv-v2 and kv-v1 name the version in the type.
Result<TextMap> kv_options(const EnableMount& command) {
  TextMap options = command.options;
  if (command.type.empty()) return invalid("backend type must be specified as a string");
  if (command.type == "kv-v2") options.insert_or_assign("version", std::string(1, '2'));
  if (command.type != "kv" && command.type != "kv-v2" && command.type != "kv-v1")
    return invalid(fmt::format("plugin not found in the catalog: {}", command.type));
  const auto version = options.find("version");
  if (command.type == "kv-v1" || version == options.end() || version->second == "1" ||
      version->second.empty())
    return fail(ErrorCode::unsupported,
                "KV version 1 is not supported by this server: set options.version to \"2\"");
  if (version->second != "2") return invalid("nil backend of type \"kv\" returned from factory");
  return options;
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
    COFFER_TRY(check_mount_path(state, path));
    COFFER_TRY(check_tuning(c.tuning));
    COFFER_TRY(check_ttls(c.tuning.default_lease_ttl.value_or(Seconds{0}),
                          c.tuning.max_lease_ttl.value_or(Seconds{0})));
    COFFER_ASSIGN(auto options, kv_options(c));
    if (state.mounts.size() >= kMountsMax)
      return fail(ErrorCode::quota_exceeded, fmt::format("at most {} mounts", kMountsMax));
    return std::vector<Event>{MountEnabled{c.id, path, "kv", "kv_" + c.accessor_suffix,
                                           std::move(options), c.tuning, c.local, c.seal_wrap,
                                           now}};
  }
  Result<std::vector<Event>> operator()(const TuneMount& c) const {
    const auto path = with_slash(c.path);
    const auto found = state.mounts.find(path);
    if (found == state.mounts.end())
      return invalid(fmt::format("cannot fetch sysview for path \"{}\"", c.path));
    if (c.version && *c.version == "1") return invalid("cannot downgrade mount from version 2");
    if (c.version && *c.version != "2")
      return invalid(fmt::format("unable to convert version {} to a supported one", *c.version));
    COFFER_TRY(check_tuning(c.tuning));
    COFFER_TRY(check_ttls(c.tuning.default_lease_ttl.value_or(found->second.default_lease_ttl),
                          c.tuning.max_lease_ttl.value_or(found->second.max_lease_ttl)));
    if (c.tuning == MountTuning{}) return std::vector<Event>{};
    return std::vector<Event>{MountTuned{path, c.tuning}};
  }
  Result<std::vector<Event>> operator()(const DisableMount& c) const {
    const auto path = with_slash(c.path);
    for (std::string_view builtin : kBuiltinMounts)
      if (path == builtin) return invalid(fmt::format("cannot unmount \"{}\"", builtin));
    const auto found = state.mounts.find(path);
    if (found == state.mounts.end()) return std::vector<Event>{};
    return std::vector<Event>{MountDisabled{path, found->second.id}};
  }
  Result<std::vector<Event>> operator()(const ChangeMountSettings& c) const {
    const auto path = with_slash(c.path);
    const auto found = state.mounts.find(path);
    if (found == state.mounts.end()) return fail(ErrorCode::not_found, "no such mount");
    auto settings = found->second.settings;
    if (c.max_versions) settings.max_versions = *c.max_versions;
    if (c.cas_required) settings.cas_required = *c.cas_required;
    if (c.delete_version_after) settings.delete_version_after = *c.delete_version_after;
    if (settings == found->second.settings) return std::vector<Event>{};
    return std::vector<Event>{MountSettingsChanged{path, settings}};
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
