#include "net/vault_api/routes.h"

#include <fmt/format.h>

#include <array>

#include "net/vault_api/handlers.h"

namespace coffer::net::vault {
namespace {

using policy::Operation;
constexpr auto rest = Route::Argument::rest;
constexpr auto own_checks = Route::Access::own_checks;

// Rows with a suffix stand before the same prefix without.
constexpr Route kSystemRoutes[] = {
    {.prefix = "sys/health", .access = Route::Access::none, .read = sys_health},
    {.prefix = "sys/seal-status", .access = Route::Access::none, .read = sys_seal_status},
    {.prefix = "sys/leader", .access = Route::Access::none, .read = sys_leader},
    {.prefix = "sys/ha-status", .read = sys_ha_status},
    {.prefix = "sys/step-down", .root_only = true, .update = sys_step_down},
    {.prefix = "sys/cluster/drain", .root_only = true, .update = sys_cluster_drain},
    {.prefix = "sys/cluster/undrain", .root_only = true, .update = sys_cluster_undrain},
    {.prefix = "sys/cluster/partitions", .root_only = true, .read = sys_cluster_partitions},
    {.prefix = "sys/init",
     .access = Route::Access::none,
     .read = sys_init_read,
     .update = sys_init_write},
    {.prefix = "sys/unseal", .access = Route::Access::none, .update = sys_unseal},
    {.prefix = "sys/seal", .root_only = true, .update = sys_seal},

    {.prefix = "sys/metrics",
     .access = Route::Access::metrics,
     .root_only = true,
     .read = sys_metrics},
    {.prefix = "sys/internal/specs/openapi", .access = Route::Access::none, .read = sys_openapi},

    {.prefix = "sys/internal/ui/mounts", .access = own_checks, .read = sys_visible_mounts},
    {.prefix = "sys/internal/ui/mounts/",
     .argument = rest,
     .access = own_checks,
     .read = sys_mount_preflight},
    {.prefix = "sys/mounts", .read = sys_mounts_list},
    {.prefix = "sys/mounts/",
     .argument = rest,
     .suffix = "/tune",
     .read = sys_mount_tuning_read,
     .update = sys_mount_tune},
    {.prefix = "sys/mounts/",
     .argument = rest,
     .read = sys_mount_read,
     .update = sys_mount_enable,
     .remove = sys_mount_disable},
    {.prefix = "sys/remount", .update = sys_remount},
    {.prefix = "sys/remount/status/", .argument = rest, .read = sys_remount_status},
    {.prefix = "sys/auth", .read = sys_auth_list},
    {.prefix = "sys/auth/", .argument = rest, .suffix = "/tune", .read = sys_auth_tuning_read},
    {.prefix = "sys/auth/",
     .argument = rest,
     .read = sys_auth_read,
     .update = sys_auth_enable,
     .remove = sys_auth_disable},

    {.prefix = "sys/capabilities-self", .update = sys_capabilities_self},
    {.prefix = "sys/capabilities-accessor", .update = sys_capabilities_accessor},
    {.prefix = "sys/capabilities", .update = sys_capabilities_token},
    {.prefix = "sys/policies/acl", .list = sys_policies_list},
    {.prefix = "sys/policies/acl/", .list = sys_policies_list},
    {.prefix = "sys/policies/acl/",
     .argument = rest,
     .read = sys_policy_read,
     .update = sys_policy_write,
     .remove = sys_policy_remove},
    {.prefix = "sys/policy", .read = sys_policy_list_old, .list = sys_policy_list_old},
    {.prefix = "sys/policy/", .read = sys_policy_list_old, .list = sys_policy_list_old},
    {.prefix = "sys/policy/",
     .argument = rest,
     .read = sys_policy_read_old,
     .update = sys_policy_write,
     .remove = sys_policy_remove},

    {.prefix = "sys/wrapping/lookup",
     .access = Route::Access::none,
     .read = sys_wrapping_lookup,
     .update = sys_wrapping_lookup},
    {.prefix = "sys/wrapping/unwrap", .access = own_checks, .update = sys_wrapping_unwrap},
    {.prefix = "sys/wrapping/rewrap", .access = own_checks, .update = sys_wrapping_rewrap},
    {.prefix = "sys/wrapping/wrap", .update = sys_wrapping_wrap},
    {.prefix = "sys/namespaces", .list = sys_namespaces_list},
    {.prefix = "sys/namespaces/", .list = sys_namespaces_list},
    {.prefix = "sys/namespaces/",
     .argument = rest,
     .suffix = "/rotate",
     .read = sys_namespace_rotation,
     .update = sys_namespace_rotate},
    {.prefix = "sys/namespaces/",
     .argument = rest,
     .read = sys_namespace_read,
     .update = sys_namespace_write,
     .patch = sys_namespace_patch,
     .remove = sys_namespace_remove},

    {.prefix = "sys/generate-root/attempt",
     .access = Route::Access::none,
     .read = sys_generate_root_read,
     .update = sys_generate_root_start,
     .remove = sys_generate_root_cancel},
    {.prefix = "sys/generate-root/update",
     .access = Route::Access::none,
     .update = sys_generate_root_update},
    {.prefix = "sys/rekey/init",
     .access = Route::Access::none,
     .read = sys_rekey_read,
     .update = sys_rekey_start,
     .remove = sys_rekey_cancel},
    {.prefix = "sys/rekey/update", .access = Route::Access::none, .update = sys_rekey_update},
    {.prefix = "sys/rekey/verify",
     .access = Route::Access::none,
     .read = sys_rekey_verify_read,
     .update = sys_rekey_verify_update,
     .remove = sys_rekey_verify_restart},
    {.prefix = "sys/rekey-recovery-key/",
     .argument = rest,
     .access = Route::Access::none,
     .read = sys_rekey_recovery,
     .update = sys_rekey_recovery,
     .remove = sys_rekey_recovery},
    {.prefix = "sys/rekey/backup",
     .root_only = true,
     .read = sys_rekey_backup_read,
     .remove = sys_rekey_backup_remove},
    {.prefix = "sys/rekey/recovery-key-backup",
     .root_only = true,
     .read = sys_rekey_backup_read,
     .remove = sys_rekey_backup_remove},

    {.prefix = "sys/leases/lookup", .update = sys_lease_lookup, .list = sys_leases_list},
    {.prefix = "sys/leases/lookup/", .list = sys_leases_list},
    {.prefix = "sys/leases/lookup/", .argument = rest, .list = sys_leases_list},
    {.prefix = "sys/leases/renew", .update = sys_lease_renew},
    {.prefix = "sys/leases/renew/", .argument = rest, .update = sys_lease_renew},
    {.prefix = "sys/leases/revoke", .update = sys_lease_revoke},
    {.prefix = "sys/leases/revoke/", .argument = rest, .update = sys_lease_revoke},
    {.prefix = "sys/leases/revoke-prefix/", .argument = rest, .update = sys_lease_revoke_prefix},
    {.prefix = "sys/leases/revoke-force/", .argument = rest, .update = sys_lease_revoke_prefix},
    {.prefix = "sys/renew", .update = sys_lease_renew},
    {.prefix = "sys/renew/", .argument = rest, .update = sys_lease_renew},
    {.prefix = "sys/revoke", .update = sys_lease_revoke},
    {.prefix = "sys/revoke/", .argument = rest, .update = sys_lease_revoke},
    {.prefix = "sys/revoke-prefix/", .argument = rest, .update = sys_lease_revoke_prefix},
    {.prefix = "sys/revoke-force/", .argument = rest, .update = sys_lease_revoke_prefix},

    {.prefix = "sys/tools/random", .update = sys_tools_random},
    {.prefix = "sys/tools/random/", .argument = rest, .update = sys_tools_random},
    {.prefix = "sys/tools/hash", .update = sys_tools_hash},
    {.prefix = "sys/tools/hash/", .argument = rest, .update = sys_tools_hash},

    {.prefix = "sys/audit", .root_only = true, .read = sys_audit_list},
    {.prefix = "sys/audit/",
     .argument = rest,
     .root_only = true,
     .update = sys_audit_enable,
     .remove = sys_audit_disable},
    {.prefix = "sys/audit-hash/", .argument = rest, .root_only = true, .update = sys_audit_hash},
    {.prefix = "sys/config/cors",
     .root_only = true,
     .read = sys_cors_read,
     .update = sys_cors_write,
     .remove = sys_cors_remove},

    {.prefix = "sys/policies/password", .list = sys_password_policies_list},
    {.prefix = "sys/policies/password/", .list = sys_password_policies_list},
    {.prefix = "sys/policies/password/",
     .argument = rest,
     .suffix = "/generate",
     .read = sys_password_generate},
    {.prefix = "sys/policies/password/",
     .argument = rest,
     .read = sys_password_policy_read,
     .update = sys_password_policy_write,
     .remove = sys_password_policy_remove},

    {.prefix = "sys/quotas/rate-limit", .list = sys_rate_limits_list},
    {.prefix = "sys/quotas/rate-limit/", .list = sys_rate_limits_list},
    {.prefix = "sys/quotas/rate-limit/",
     .argument = rest,
     .read = sys_rate_limit_read,
     .update = sys_rate_limit_write,
     .remove = sys_rate_limit_remove},
    {.prefix = "sys/quotas/config",
     .read = sys_quota_config_read,
     .update = sys_quota_config_write},
    {.prefix = "sys/quotas/lease-count", .list = sys_lease_count_list},
    {.prefix = "sys/quotas/lease-count/", .list = sys_lease_count_list},
    {.prefix = "sys/quotas/lease-count/",
     .argument = rest,
     .read = sys_lease_count_list,
     .update = sys_lease_count_write},

    {.prefix = "sys/rotate", .update = sys_rotate},
    {.prefix = "sys/key-status", .read = sys_key_status},

    {.prefix = "sys/actors", .root_only = true, .read = sys_actors},
    {.prefix = "sys/events/verify", .read = sys_events_verify},
    {.prefix = "sys/events", .read = sys_events},

    {.prefix = "auth/token/lookup-self", .read = token_lookup_self, .update = token_lookup_self},
    {.prefix = "auth/token/lookup", .update = token_lookup},
    {.prefix = "auth/token/lookup-accessor", .update = token_lookup_accessor},
    {.prefix = "auth/token/create", .update = token_create},
    {.prefix = "auth/token/create-orphan", .update = token_create_orphan},
    {.prefix = "auth/token/create/", .argument = rest, .update = token_create_with_role},
    {.prefix = "auth/token/roles", .list = token_roles_list},
    {.prefix = "auth/token/roles/", .list = token_roles_list},
    {.prefix = "auth/token/roles/",
     .argument = rest,
     .read = token_role_read,
     .update = token_role_write,
     .remove = token_role_remove},
    {.prefix = "auth/token/renew-self", .update = token_renew_self},
    {.prefix = "auth/token/renew", .update = token_renew},
    {.prefix = "auth/token/renew-accessor", .update = token_renew_accessor},
    {.prefix = "auth/token/revoke-self", .update = token_revoke_self},
    {.prefix = "auth/token/revoke", .update = token_revoke},
    {.prefix = "auth/token/revoke-orphan", .update = token_revoke_orphan},
    {.prefix = "auth/token/revoke-accessor", .update = token_revoke_accessor},
    {.prefix = "auth/token/accessors", .list = token_accessors_list},
    {.prefix = "auth/token/accessors/", .list = token_accessors_list},

    {.prefix = "identity/entity", .update = identity_entity_write},
    {.prefix = "identity/entity/merge", .update = identity_entity_merge},
    {.prefix = "identity/entity/batch-delete", .update = identity_entity_batch_delete},
    {.prefix = "identity/entity/id", .list = identity_entities_list_id},
    {.prefix = "identity/entity/id/", .list = identity_entities_list_id},
    {.prefix = "identity/entity/id/",
     .argument = rest,
     .read = identity_entity_read_id,
     .update = identity_entity_write_id,
     .remove = identity_entity_remove_id},
    {.prefix = "identity/entity/name", .list = identity_entities_list_name},
    {.prefix = "identity/entity/name/", .list = identity_entities_list_name},
    {.prefix = "identity/entity/name/",
     .argument = rest,
     .read = identity_entity_read_name,
     .update = identity_entity_write_name,
     .remove = identity_entity_remove_name},
    {.prefix = "identity/entity-alias", .update = identity_entity_alias_write},
    {.prefix = "identity/entity-alias/id", .list = identity_entity_aliases_list},
    {.prefix = "identity/entity-alias/id/", .list = identity_entity_aliases_list},
    {.prefix = "identity/entity-alias/id/",
     .argument = rest,
     .read = identity_entity_alias_read,
     .update = identity_entity_alias_write,
     .remove = identity_entity_alias_remove},
    {.prefix = "identity/group", .update = identity_group_write},
    {.prefix = "identity/group/id", .list = identity_groups_list_id},
    {.prefix = "identity/group/id/", .list = identity_groups_list_id},
    {.prefix = "identity/group/id/",
     .argument = rest,
     .read = identity_group_read_id,
     .update = identity_group_write_id,
     .remove = identity_group_remove_id},
    {.prefix = "identity/group/name", .list = identity_groups_list_name},
    {.prefix = "identity/group/name/", .list = identity_groups_list_name},
    {.prefix = "identity/group/name/",
     .argument = rest,
     .read = identity_group_read_name,
     .update = identity_group_write_name,
     .remove = identity_group_remove_name},
    {.prefix = "identity/group-alias", .update = identity_group_alias_write},
    {.prefix = "identity/group-alias/id", .list = identity_group_aliases_list},
    {.prefix = "identity/group-alias/id/", .list = identity_group_aliases_list},
    {.prefix = "identity/group-alias/id/",
     .argument = rest,
     .read = identity_group_alias_read,
     .update = identity_group_alias_write,
     .remove = identity_group_alias_remove},
    {.prefix = "identity/lookup/entity", .update = identity_lookup_entity},
    {.prefix = "identity/lookup/group", .update = identity_lookup_group},
};

// data/ first: it is asked for most.
constexpr Route kKvV2Routes[] = {
    {.prefix = "data/",
     .argument = rest,
     .read = kv_data_read,
     .update = kv_data_write,
     .patch = kv_data_patch,
     .remove = kv_data_remove},
    {.prefix = "data/", .read = kv_data_read, .remove = kv_data_remove},
    {.prefix = "metadata/",
     .argument = rest,
     .read = kv_metadata_read,
     .update = kv_metadata_write,
     .patch = kv_metadata_patch,
     .remove = kv_metadata_remove,
     .list = kv_metadata_list},
    {.prefix = "metadata/",
     .read = kv_metadata_read,
     .remove = kv_metadata_remove,
     .list = kv_metadata_list},
    {.prefix = "delete/", .argument = rest, .update = kv_versions_delete},
    {.prefix = "undelete/", .argument = rest, .update = kv_versions_undelete},
    {.prefix = "destroy/", .argument = rest, .update = kv_versions_destroy},
    {.prefix = "subkeys/", .argument = rest, .read = kv_subkeys_read},
    {.prefix = "config", .read = kv_config_read, .update = kv_config_write},
};

// Every path of a mount; the handler looks at the operation itself.
constexpr Route kKvV1Routes[] = {
    {.prefix = "",
     .argument = rest,
     .read = kv_v1,
     .update = kv_v1,
     .remove = kv_v1,
     .list = kv_v1},
};

constexpr Route kCubbyholeRoutes[] = {
    {.prefix = "",
     .argument = rest,
     .read = cubbyhole,
     .update = cubbyhole,
     .remove = cubbyhole,
     .list = cubbyhole},
};

constexpr RouteTable kTables[] = {{kSystemRoutes, ""},
                                  {kKvV2Routes, "{mount}/"},
                                  {kKvV1Routes, "{mount}/"},
                                  {kCubbyholeRoutes, "cubbyhole/"}};

void refuse_unknown_path(Exchange& x, std::string_view path) {
  if (path.starts_with("sys/") || path.starts_with("auth/token/") || path.starts_with("identity/"))
    return x.refuse(ErrorCode::not_found, std::string(kUnsupportedPath));
  x.refuse(ErrorCode::not_found,
           fmt::format("no handler for route \"{}\". route entry not found.", path));
}

void run(Exchange& x, const Route& route, std::string_view argument) {
  x.set_route(&route);
  if (route.root_only && !x.tenant().path.empty())
    return x.refuse(ErrorCode::invalid_argument, "operation unavailable in namespaces");
  const auto handler = route.handler(x.operation());
  if (handler != nullptr) return handler(x, argument);
  if (route.access == Route::Access::none) return x.answer(bare_error(405, ErrorCode::unsupported));
  x.refuse(ErrorCode::unsupported, std::string(kUnsupportedOperation));
}

}  // namespace

bool Route::matches(std::string_view path, std::string_view& found) const noexcept {
  if (!path.starts_with(prefix)) return false;
  path.remove_prefix(prefix.size());
  if (argument == Argument::none) return path.empty();
  if (path.size() <= suffix.size() || !path.ends_with(suffix)) return false;
  found = path.substr(0, path.size() - suffix.size());
  return true;
}

Handler Route::handler(Operation operation) const noexcept {
  switch (operation) {
    case Operation::read:
      return read;
    case Operation::create:
    case Operation::update:
      return update;
    case Operation::patch:
      return patch;
    case Operation::remove:
      return remove;
    case Operation::list:
      return list;
    case Operation::scan:
      return nullptr;
  }
  return nullptr;
}

const Route* find_route(std::span<const Route> routes, std::string_view path,
                        std::string_view& argument) noexcept {
  for (const auto& route : routes)
    if (route.matches(path, argument)) return &route;
  return nullptr;
}

std::span<const Route> system_routes() noexcept {
  return kSystemRoutes;
}
std::span<const Route> kv_v2_routes() noexcept {
  return kKvV2Routes;
}
std::span<const RouteTable> route_tables() noexcept {
  return kTables;
}

std::string route_template(const RouteTable& table, const Route& route) {
  return fmt::format("{}{}{}{}", table.mount, route.prefix,
                     route.argument == Route::Argument::rest ? "{path}" : "", route.suffix);
}

void route_admitted(Exchange& x) {
  const auto& admission = *x.admission();
  std::string_view argument;
  if (admission.mount && admission.mount->type == "cubbyhole") {
    x.set_route(&kCubbyholeRoutes[0]);
    return cubbyhole(x, admission.mount_relative_path);
  }
  if (admission.mount && !admission.mount->is_versioned()) {
    x.set_route(&kKvV1Routes[0]);
    return kv_v1(x, admission.mount_relative_path);
  }
  if (admission.mount) {
    const auto* route = find_route(kKvV2Routes, admission.mount_relative_path, argument);
    if (route == nullptr) return kv_wrong_path(x);
    return run(x, *route, argument);
  }
  const auto* route = find_route(kSystemRoutes, admission.head.path, argument);
  if (route == nullptr) return refuse_unknown_path(x, admission.head.path);
  run(x, *route, argument);
}

}  // namespace coffer::net::vault
