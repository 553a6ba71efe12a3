#include "events/tenant/tenant_state.h"

namespace coffer::tenant {
namespace {

Error corrupt(const char* what) {
  return fail(ErrorCode::corrupt, what);
}

void tune(Mount& mount, const MountTuning& tuning) {
  if (tuning.description) mount.description = *tuning.description;
  if (tuning.default_lease_ttl) mount.default_lease_ttl = *tuning.default_lease_ttl;
  if (tuning.max_lease_ttl) mount.max_lease_ttl = *tuning.max_lease_ttl;
  if (tuning.listing_visibility) mount.listing_visibility = *tuning.listing_visibility;
  if (tuning.force_no_cache) mount.force_no_cache = *tuning.force_no_cache;
}

struct Evolver {
  TenantState& state;

  Result<void> operator()(const TenantCreated& e) {
    if (state.exists) return corrupt("tenant created twice");
    state.exists = true;
    state.parent = e.parent;
    state.name = e.name;
    state.custom_metadata = e.custom_metadata;
    state.created_time = e.created_time;
    return {};
  }
  Result<void> operator()(const TenantMetadataChanged& e) {
    state.custom_metadata = e.custom_metadata;
    return {};
  }
  Result<void> operator()(const TenantDeleted&) {
    state.deleted = true;
    state.mounts.clear();
    state.token_roles.clear();
    state.password_policies.clear();
    state.rate_limits.clear();
    return {};
  }
  Result<void> operator()(const MountEnabled& e) {
    Mount mount{.id = e.id,
                .path = e.path,
                .type = e.type,
                .accessor = e.accessor,
                .options = e.options,
                .description = {},
                .default_lease_ttl = {},
                .max_lease_ttl = {},
                .listing_visibility = {},
                .force_no_cache = false,
                .local = e.local,
                .seal_wrap = e.seal_wrap,
                .created_time = e.created_time,
                .settings = {},
                .migration = {},
                .moved_from = {}};
    tune(mount, e.tuning);
    if (!state.mounts.emplace(e.path, std::move(mount)).second)
      return corrupt("mount enabled twice");
    return {};
  }
  Result<void> operator()(const MountTuned& e) {
    const auto found = state.mounts.find(e.path);
    if (found == state.mounts.end()) return corrupt("tuned mount is not there");
    tune(found->second, e.tuning);
    return {};
  }
  Result<void> operator()(const MountDisabled& e) {
    if (state.mounts.erase(e.path) == 0) return corrupt("disabled mount is not there");
    return {};
  }
  Result<void> operator()(const MountSettingsChanged& e) {
    const auto found = state.mounts.find(e.path);
    if (found == state.mounts.end()) return corrupt("configured mount is not there");
    found->second.settings = e.settings;
    return {};
  }
  Result<void> operator()(const MountOptionsChanged& e) {
    const auto found = state.mounts.find(e.path);
    if (found == state.mounts.end()) return corrupt("mount with new options is not there");
    found->second.options = e.options;
    return {};
  }
  Result<void> operator()(const MountMoved& e) {
    if (state.mounts.contains(e.to)) return corrupt("mount moved onto another");
    auto node = state.mounts.extract(e.from);
    if (node.empty()) return corrupt("moved mount is not there");
    node.key() = e.to;
    node.mapped().path = e.to;
    node.mapped().migration = e.migration;
    node.mapped().moved_from = e.from;
    state.mounts.insert(std::move(node));
    return {};
  }
  Result<void> operator()(const TokenRoleWritten& e) {
    state.token_roles.insert_or_assign(e.name, e.role);
    return {};
  }
  Result<void> operator()(const TokenRoleRemoved& e) {
    if (state.token_roles.erase(e.name) == 0) return corrupt("removed token role is not there");
    return {};
  }
  Result<void> operator()(const PasswordPolicyWritten& e) {
    state.password_policies.insert_or_assign(e.name, e.text);
    return {};
  }
  Result<void> operator()(const PasswordPolicyRemoved& e) {
    if (state.password_policies.erase(e.name) == 0)
      return corrupt("removed password policy is not there");
    return {};
  }
  Result<void> operator()(const RateLimitWritten& e) {
    state.rate_limits.insert_or_assign(e.name, e.limit);
    return {};
  }
  Result<void> operator()(const RateLimitRemoved& e) {
    if (state.rate_limits.erase(e.name) == 0) return corrupt("removed quota is not there");
    return {};
  }
  Result<void> operator()(const QuotaSettingsChanged& e) {
    state.quota_exempt_paths = e.exempt_paths;
    return {};
  }
  // The shares' scheme stands in the vault's row; the log keeps that and when it changed.
  Result<void> operator()(const UnsealSharesChanged&) { return {}; }
};

}  // namespace

bool is_versioned_kv(std::string_view type, const TextMap& options) noexcept {
  const auto version = options.find("version");
  return type == "kv" && version != options.end() && version->second == "2";
}

const Mount* TenantState::find_mount(std::string_view request_path) const noexcept {
  // Mounts never nest, so the greatest path not above the request's is the only candidate.
  auto after = mounts.upper_bound(std::string(request_path));
  if (after == mounts.begin()) return nullptr;
  const auto& [path, mount] = *std::prev(after);
  return request_path.starts_with(path) ? &mount : nullptr;
}

Result<TenantState> evolve(TenantState state, const Event& event) {
  if (!state.exists && !std::holds_alternative<TenantCreated>(event))
    return corrupt("event before the tenant was created");
  if (state.deleted) return corrupt("event after the tenant was deleted");
  COFFER_TRY(std::visit(Evolver{state}, event));
  return state;
}

}  // namespace coffer::tenant
