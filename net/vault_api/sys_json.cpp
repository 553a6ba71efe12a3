#include "net/vault_api/sys_json.h"

#include <fmt/format.h>

#include <algorithm>

namespace coffer::net::vault {
namespace {

// FNV-1a: a name that stays the same for the same tenant and mount. Not secret, not for security.
std::uint64_t stable_hash(const TenantId& tenant, std::string_view path) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  const auto mix = [&](std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001B3ULL; };
  for (const auto byte : tenant.bytes) mix(byte);
  for (const char c : path) mix(static_cast<std::uint8_t>(c));
  return hash;
}

MountInfo builtin(const api::TenantView& tenant, std::string_view path, std::string_view type,
                  std::string_view description) {
  const auto high = stable_hash(tenant.id, path);
  const auto low = stable_hash(tenant.id, fmt::format("{}#", path));
  const bool in_root = tenant.path.empty();
  MountInfo info;
  info.path = path;
  info.type = in_root ? std::string(type) : fmt::format("ns_{}", type);
  info.description = description;
  info.accessor = fmt::format("{}_{:08x}", info.type, high & 0xFFFFFFFF);
  info.uuid = fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high & 0xFFFF,
                          low >> 48, (low >> 32) & 0xFFFF, low & 0xFFFFFFFFFFFF);
  return info;
}

MountInfo system_mount(const api::TenantView& tenant) {
  auto info =
      builtin(tenant, "sys/", "system", "system endpoints used for control, policy and debugging");
  info.seal_wrap = true;
  return info;
}

MountInfo identity_mount(const api::TenantView& tenant) {
  return builtin(tenant, "identity/", "identity", "identity store");
}

MountInfo cubbyhole_mount(const api::TenantView& tenant) {
  auto info = builtin(tenant, "cubbyhole/", "cubbyhole", "per-token private secret storage");
  info.local = true;
  return info;
}

std::int64_t effective(Seconds own, Seconds standard) noexcept {
  return own.count > 0 ? own.count : standard.count;
}

void write_options(json::Writer& writer, const tenant::TextMap& options) {
  writer.key("options");
  if (options.empty()) {
    writer.null();
    return;
  }
  writer.begin_object();
  for (const auto& [key, value] : options) writer.key(key).string(value);
  writer.end_object();
}

}  // namespace

Answer seal_status_answer(const VaultApiOptions& options, const api::ServiceStatus& status) {
  const bool automatic = status.seal_type == api::SealType::automatic;
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  writer.key("type").string(automatic ? "pkcs11" : "shamir");
  writer.key("initialized").boolean(status.initialized);
  writer.key("sealed").boolean(status.sealed);
  writer.key("t").unsigned_integer(status.threshold);
  writer.key("n").unsigned_integer(status.shares);
  writer.key("progress").unsigned_integer(status.progress);
  writer.key("nonce").string(status.nonce);
  writer.key("version").string(options.version);
  writer.key("build_date").string(options.build_date);
  writer.key("migration").boolean(false);
  if (!status.sealed) {
    writer.key("cluster_name").string(status.cluster_name);
    writer.key("cluster_id").string(status.cluster_id);
  }
  writer.key("recovery_seal").boolean(automatic);
  writer.key("storage_type").string(options.storage_type);
  writer.end_object();
  return raw_answer(200, std::move(body));
}

MountInfo to_info(const tenant::Mount& mount) {
  MountInfo info;
  info.path = mount.path;
  info.type = mount.type;
  info.description = mount.description;
  info.accessor = mount.accessor;
  info.uuid = mount.id.to_string();
  info.options = mount.options;
  info.default_lease_ttl = mount.default_lease_ttl;
  info.max_lease_ttl = mount.max_lease_ttl;
  info.listing_visibility = mount.listing_visibility;
  info.force_no_cache = mount.force_no_cache;
  info.local = mount.local;
  info.seal_wrap = mount.seal_wrap;
  return info;
}

std::vector<MountInfo> mounts_of(const api::TenantView& tenant) {
  std::vector<MountInfo> mounts = {system_mount(tenant), identity_mount(tenant),
                                   cubbyhole_mount(tenant)};
  for (const auto& [path, mount] : tenant.state.mounts) mounts.push_back(to_info(mount));
  std::sort(mounts.begin(), mounts.end(),
            [](const MountInfo& a, const MountInfo& b) { return a.path < b.path; });
  return mounts;
}

MountInfo token_auth_of(const api::TenantView& tenant) {
  auto info = builtin(tenant, "token/", "token", "token based credentials");
  info.is_auth = true;
  return info;
}

std::optional<MountInfo> find_mount(const api::TenantView& tenant, std::string_view path) {
  const auto wanted = with_slash(path);
  if (wanted == "sys/") return system_mount(tenant);
  if (wanted == "identity/") return identity_mount(tenant);
  if (wanted == "cubbyhole/") return cubbyhole_mount(tenant);
  const auto found = tenant.state.mounts.find(wanted);
  if (found == tenant.state.mounts.end()) return std::nullopt;
  return to_info(found->second);
}

std::optional<MountInfo> mount_above(const api::TenantView& tenant, std::string_view request_path) {
  const auto path = with_slash(request_path);
  if (path.starts_with("auth/token/")) {
    auto info = token_auth_of(tenant);
    info.path = "auth/token/";
    return info;
  }
  const std::string_view first = std::string_view(path).substr(0, path.find('/') + 1);
  if (tenant::is_builtin_mount(first)) return find_mount(tenant, first);
  const auto* mount = tenant.state.find_mount(path);
  if (mount == nullptr) return std::nullopt;
  return to_info(*mount);
}

void write_mount_members(json::Writer& writer, const MountInfo& mount) {
  writer.key("accessor").string(mount.accessor);
  writer.key("config").begin_object();
  writer.key("default_lease_ttl").integer(mount.default_lease_ttl.count);
  writer.key("force_no_cache").boolean(mount.force_no_cache);
  if (!mount.listing_visibility.empty())
    writer.key("listing_visibility").string(mount.listing_visibility);
  writer.key("max_lease_ttl").integer(mount.max_lease_ttl.count);
  if (mount.is_auth) writer.key("token_type").string("default-service");
  writer.end_object();
  writer.key("deprecation_status").string("supported");
  writer.key("description").string(mount.description);
  writer.key("external_entropy_access").boolean(false);
  writer.key("local").boolean(mount.local);
  write_options(writer, mount.options);
  writer.key("plugin_version").string("");
  writer.key("running_plugin_version").string("");
  writer.key("running_sha256").string("");
  writer.key("seal_wrap").boolean(mount.seal_wrap);
  writer.key("type").string(mount.type);
  writer.key("uuid").string(mount.uuid);
}

void write_tuning_members(json::Writer& writer, const MountInfo& mount,
                          const VaultApiOptions& options) {
  writer.key("default_lease_ttl")
      .integer(effective(mount.default_lease_ttl, options.default_lease_ttl));
  writer.key("description").string(mount.description);
  writer.key("force_no_cache").boolean(mount.force_no_cache);
  if (!mount.listing_visibility.empty())
    writer.key("listing_visibility").string(mount.listing_visibility);
  writer.key("max_lease_ttl").integer(effective(mount.max_lease_ttl, options.max_lease_ttl));
  if (!mount.options.empty()) write_options(writer, mount.options);
  if (mount.is_auth) writer.key("token_type").string("default-service");
}

std::string with_slash(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  std::string out(path);
  if (!out.ends_with('/')) out.push_back('/');
  return out;
}

}  // namespace coffer::net::vault
