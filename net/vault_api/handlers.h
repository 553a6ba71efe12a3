// The handlers of all routes, by the file they stand in. Each ends its exchange exactly once, now
// or from a callback.
#pragma once

#include <string_view>

#include "net/vault_api/exchange.h"

namespace coffer::net::vault {

// kv_v2.cpp
void kv_data_read(Exchange& x, std::string_view path);
void kv_data_write(Exchange& x, std::string_view path);
void kv_data_remove(Exchange& x, std::string_view path);
void kv_versions_delete(Exchange& x, std::string_view path);
void kv_versions_undelete(Exchange& x, std::string_view path);
void kv_versions_destroy(Exchange& x, std::string_view path);
// kv_v2_patch.cpp
void kv_data_patch(Exchange& x, std::string_view path);
// kv_v2_subkeys.cpp
void kv_subkeys_read(Exchange& x, std::string_view path);
// kv_v2_metadata.cpp
void kv_metadata_read(Exchange& x, std::string_view path);
void kv_metadata_write(Exchange& x, std::string_view path);
void kv_metadata_patch(Exchange& x, std::string_view path);
void kv_metadata_remove(Exchange& x, std::string_view path);
void kv_metadata_list(Exchange& x, std::string_view folder);
// kv_v2_config.cpp
void kv_config_read(Exchange& x, std::string_view);
void kv_config_write(Exchange& x, std::string_view);
// A path that KV version 2 does not have.
void kv_wrong_path(Exchange& x);
// kv_v1.cpp: every path of a mount of version 1.
void kv_v1(Exchange& x, std::string_view path);
// cubbyhole.cpp: every path of the caller's cubbyhole.
void cubbyhole(Exchange& x, std::string_view path);

// sys_health.cpp
void sys_health(Exchange& x, std::string_view);
void sys_seal_status(Exchange& x, std::string_view);
void sys_leader(Exchange& x, std::string_view);
void sys_ha_status(Exchange& x, std::string_view);
void sys_step_down(Exchange& x, std::string_view);
void sys_cluster_drain(Exchange& x, std::string_view);
void sys_cluster_undrain(Exchange& x, std::string_view);
void sys_cluster_partitions(Exchange& x, std::string_view);
// sys_metrics.cpp
void sys_metrics(Exchange& x, std::string_view);
// sys_openapi.cpp
void sys_openapi(Exchange& x, std::string_view);
// sys_init.cpp
void sys_init_read(Exchange& x, std::string_view);
void sys_init_write(Exchange& x, std::string_view);
void sys_unseal(Exchange& x, std::string_view);
void sys_seal(Exchange& x, std::string_view);
// sys_generate_root.cpp
void sys_generate_root_read(Exchange& x, std::string_view);
void sys_generate_root_start(Exchange& x, std::string_view);
void sys_generate_root_cancel(Exchange& x, std::string_view);
void sys_generate_root_update(Exchange& x, std::string_view);
// sys_rekey.cpp
void sys_rekey_read(Exchange& x, std::string_view);
void sys_rekey_start(Exchange& x, std::string_view);
void sys_rekey_cancel(Exchange& x, std::string_view);
void sys_rekey_update(Exchange& x, std::string_view);
void sys_rekey_verify_read(Exchange& x, std::string_view);
void sys_rekey_verify_restart(Exchange& x, std::string_view);
void sys_rekey_verify_update(Exchange& x, std::string_view);
void sys_rekey_recovery(Exchange& x, std::string_view);
void sys_rekey_backup_read(Exchange& x, std::string_view);
void sys_rekey_backup_remove(Exchange& x, std::string_view);
// sys_leases.cpp
void sys_lease_lookup(Exchange& x, std::string_view);
void sys_lease_renew(Exchange& x, std::string_view in_path);
void sys_lease_revoke(Exchange& x, std::string_view in_path);
void sys_lease_revoke_prefix(Exchange& x, std::string_view prefix);
void sys_leases_list(Exchange& x, std::string_view);
// sys_tools.cpp
void sys_tools_random(Exchange& x, std::string_view argument);
void sys_tools_hash(Exchange& x, std::string_view argument);
// sys_audit.cpp
void sys_audit_list(Exchange& x, std::string_view);
void sys_audit_enable(Exchange& x, std::string_view path);
void sys_audit_disable(Exchange& x, std::string_view path);
void sys_audit_hash(Exchange& x, std::string_view path);
void sys_cors_read(Exchange& x, std::string_view);
void sys_cors_write(Exchange& x, std::string_view);
void sys_cors_remove(Exchange& x, std::string_view);
// sys_password_policies.cpp
void sys_password_policies_list(Exchange& x, std::string_view);
void sys_password_policy_read(Exchange& x, std::string_view name);
void sys_password_policy_write(Exchange& x, std::string_view name);
void sys_password_policy_remove(Exchange& x, std::string_view name);
void sys_password_generate(Exchange& x, std::string_view name);
// sys_quotas.cpp
void sys_rate_limits_list(Exchange& x, std::string_view);
void sys_rate_limit_read(Exchange& x, std::string_view name);
void sys_rate_limit_write(Exchange& x, std::string_view name);
void sys_rate_limit_remove(Exchange& x, std::string_view name);
void sys_quota_config_read(Exchange& x, std::string_view);
void sys_quota_config_write(Exchange& x, std::string_view);
void sys_lease_count_list(Exchange& x, std::string_view);
void sys_lease_count_write(Exchange& x, std::string_view);
// sys_mounts.cpp
void sys_mounts_list(Exchange& x, std::string_view);
void sys_mount_read(Exchange& x, std::string_view path);
void sys_mount_enable(Exchange& x, std::string_view path);
void sys_mount_disable(Exchange& x, std::string_view path);
void sys_mount_tuning_read(Exchange& x, std::string_view path);
void sys_mount_tune(Exchange& x, std::string_view path);
// sys_rotate.cpp
void sys_rotate(Exchange& x, std::string_view);
void sys_key_status(Exchange& x, std::string_view);
void sys_namespace_rotate(Exchange& x, std::string_view name);
void sys_namespace_rotation(Exchange& x, std::string_view name);
// sys_remount.cpp
void sys_remount(Exchange& x, std::string_view);
void sys_remount_status(Exchange& x, std::string_view id);
// sys_internal_ui.cpp
void sys_visible_mounts(Exchange& x, std::string_view);
void sys_mount_preflight(Exchange& x, std::string_view path);
// sys_auth.cpp
void sys_auth_list(Exchange& x, std::string_view);
void sys_auth_read(Exchange& x, std::string_view path);
void sys_auth_enable(Exchange& x, std::string_view path);
void sys_auth_disable(Exchange& x, std::string_view path);
void sys_auth_tuning_read(Exchange& x, std::string_view path);
// sys_policies.cpp
void sys_policies_list(Exchange& x, std::string_view);
void sys_policy_read(Exchange& x, std::string_view name);
void sys_policy_list_old(Exchange& x, std::string_view);
void sys_policy_read_old(Exchange& x, std::string_view name);
void sys_policy_write(Exchange& x, std::string_view name);
void sys_policy_remove(Exchange& x, std::string_view name);
// sys_capabilities.cpp
void sys_capabilities_self(Exchange& x, std::string_view);
void sys_capabilities_token(Exchange& x, std::string_view);
void sys_capabilities_accessor(Exchange& x, std::string_view);
// sys_wrapping.cpp
void sys_wrapping_wrap(Exchange& x, std::string_view);
void sys_wrapping_unwrap(Exchange& x, std::string_view);
void sys_wrapping_rewrap(Exchange& x, std::string_view);
void sys_wrapping_lookup(Exchange& x, std::string_view);
// sys_namespaces.cpp
void sys_namespaces_list(Exchange& x, std::string_view);
void sys_namespace_read(Exchange& x, std::string_view name);
void sys_namespace_write(Exchange& x, std::string_view name);
void sys_namespace_patch(Exchange& x, std::string_view name);
void sys_namespace_remove(Exchange& x, std::string_view name);
// sys_inspect.cpp
void sys_actors(Exchange& x, std::string_view);
void sys_events(Exchange& x, std::string_view);
void sys_events_verify(Exchange& x, std::string_view);

// auth_token.cpp
void token_create(Exchange& x, std::string_view);
void token_create_orphan(Exchange& x, std::string_view);
void token_create_with_role(Exchange& x, std::string_view role);
// auth_token_roles.cpp
void token_roles_list(Exchange& x, std::string_view);
void token_role_read(Exchange& x, std::string_view name);
void token_role_write(Exchange& x, std::string_view name);
void token_role_remove(Exchange& x, std::string_view name);
// auth_token_lookup.cpp
void token_lookup(Exchange& x, std::string_view);
void token_lookup_self(Exchange& x, std::string_view);
void token_lookup_accessor(Exchange& x, std::string_view);
void token_accessors_list(Exchange& x, std::string_view);
// auth_token_life.cpp
void token_renew(Exchange& x, std::string_view);
void token_renew_self(Exchange& x, std::string_view);
void token_renew_accessor(Exchange& x, std::string_view);
void token_revoke(Exchange& x, std::string_view);
void token_revoke_self(Exchange& x, std::string_view);
void token_revoke_orphan(Exchange& x, std::string_view);
void token_revoke_accessor(Exchange& x, std::string_view);

// identity_entities.cpp
void identity_entity_write(Exchange& x, std::string_view);
void identity_entity_write_id(Exchange& x, std::string_view id);
void identity_entity_write_name(Exchange& x, std::string_view name);
void identity_entity_read_id(Exchange& x, std::string_view id);
void identity_entity_read_name(Exchange& x, std::string_view name);
void identity_entity_remove_id(Exchange& x, std::string_view id);
void identity_entity_remove_name(Exchange& x, std::string_view name);
void identity_entity_batch_delete(Exchange& x, std::string_view);
void identity_entity_merge(Exchange& x, std::string_view);
void identity_entities_list_id(Exchange& x, std::string_view);
void identity_entities_list_name(Exchange& x, std::string_view);
void identity_lookup_entity(Exchange& x, std::string_view);
// identity_groups.cpp
void identity_group_write(Exchange& x, std::string_view);
void identity_group_write_id(Exchange& x, std::string_view id);
void identity_group_write_name(Exchange& x, std::string_view name);
void identity_group_read_id(Exchange& x, std::string_view id);
void identity_group_read_name(Exchange& x, std::string_view name);
void identity_group_remove_id(Exchange& x, std::string_view id);
void identity_group_remove_name(Exchange& x, std::string_view name);
void identity_groups_list_id(Exchange& x, std::string_view);
void identity_groups_list_name(Exchange& x, std::string_view);
void identity_lookup_group(Exchange& x, std::string_view);
// identity_aliases.cpp
void identity_entity_alias_write(Exchange& x, std::string_view id);
void identity_entity_alias_read(Exchange& x, std::string_view id);
void identity_entity_alias_remove(Exchange& x, std::string_view id);
void identity_entity_aliases_list(Exchange& x, std::string_view);
void identity_group_alias_write(Exchange& x, std::string_view id);
void identity_group_alias_read(Exchange& x, std::string_view id);
void identity_group_alias_remove(Exchange& x, std::string_view id);
void identity_group_aliases_list(Exchange& x, std::string_view);

}  // namespace coffer::net::vault

// Binds a field or another Result in a handler; its error ends the exchange.
#define COFFER_FIELD(decl, x, expr) \
  COFFER_FIELD_INNER(COFFER_CONCAT(coffer_field_, __LINE__), decl, x, expr)
#define COFFER_FIELD_INNER(tmp, decl, x, expr)   \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return (x).refuse(tmp.error()); \
  decl = std::move(tmp).value()
// The same for a Result<void>.
#define COFFER_FIELD_CHECK(x, expr)                                   \
  do {                                                                \
    if (auto coffer_field_result = (expr); !coffer_field_result.ok()) \
      return (x).refuse(coffer_field_result.error());                 \
  } while (false)
