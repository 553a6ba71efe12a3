#include "tools/coffer/event_parser.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "tools/coffer/json_fields.h"
#include "tools/coffer/output.h"

namespace coffer::cli {
namespace {

void read(JsonFields in, secret::SecretCreated& e) {
  in.read("mount", e.mount);
  in.read("path", e.path);
  in.read("created_time", e.created_time);
}
void read(JsonFields in, secret::SecretVersionWritten& e) {
  in.read("version", e.version);
  in.read("created_time", e.created_time);
  in.read("deletion_time", e.deletion_time);
  in.read("data_key", e.data_key);
  in.read("data_key_blob_hash", e.data_key_blob_hash);
  in.read("oldest_version", e.oldest_version);
  in.read("patched", e.patched);
}
void read(JsonFields in, secret::SecretVersionsDeleted& e) {
  in.read("versions", e.versions);
  in.read("deletion_time", e.deletion_time);
}
void read(JsonFields in, secret::SecretVersionsUndeleted& e) {
  in.read("versions", e.versions);
  in.read("deletion_time", e.deletion_time);
}
void read(JsonFields in, secret::SecretVersionsDestroyed& e) {
  in.read("versions", e.versions);
}
void read(JsonFields in, secret::SecretMetadataChanged& e) {
  in.read("max_versions", e.max_versions);
  in.read("cas_required", e.cas_required);
  in.read("delete_version_after_s", e.delete_version_after);
  in.read("custom_metadata", e.custom_metadata);
  in.read("changed_time", e.changed_time);
}
void read(JsonFields in, secret::SecretRemoved& e) {
  in.read("removed_time", e.removed_time);
}

void read(JsonFields in, tenant::TenantCreated& e) {
  in.read("parent", e.parent);
  in.read("name", e.name);
  in.read("custom_metadata", e.custom_metadata);
  in.read("created_time", e.created_time);
}
void read(JsonFields in, tenant::TenantMetadataChanged& e) {
  in.read("custom_metadata", e.custom_metadata);
}
void read(JsonFields in, tenant::TenantDeleted& e) {
  in.read("deleted_time", e.deleted_time);
}
void read(JsonFields in, tenant::MountTuning& tuning) {
  in.read("description", tuning.description);
  in.read("default_lease_ttl_s", tuning.default_lease_ttl);
  in.read("max_lease_ttl_s", tuning.max_lease_ttl);
  in.read("listing_visibility", tuning.listing_visibility);
  in.read("force_no_cache", tuning.force_no_cache);
}
void read(JsonFields in, tenant::MountEnabled& e) {
  in.read("id", e.id);
  in.read("path", e.path);
  in.read("type", e.type);
  in.read("accessor", e.accessor);
  in.read("options", e.options);
  read(in.object("tuning"), e.tuning);
  in.read("local", e.local);
  in.read("seal_wrap", e.seal_wrap);
  in.read("created_time", e.created_time);
}
void read(JsonFields in, tenant::MountTuned& e) {
  in.read("path", e.path);
  read(in.object("tuning"), e.tuning);
}
void read(JsonFields in, tenant::MountDisabled& e) {
  in.read("path", e.path);
  in.read("id", e.id);
}
void read(JsonFields in, tenant::MountSettingsChanged& e) {
  in.read("path", e.path);
  auto settings = in.object("settings");
  settings.read("max_versions", e.settings.max_versions);
  settings.read("cas_required", e.settings.cas_required);
  settings.read("delete_version_after_s", e.settings.delete_version_after);
}
void read(JsonFields in, tenant::MountOptionsChanged& e) {
  in.read("path", e.path);
  in.read("options", e.options);
}
void read(JsonFields in, tenant::MountMoved& e) {
  in.read("from", e.from);
  in.read("to", e.to);
  in.read("id", e.id);
  in.read("migration", e.migration);
}
void read(JsonFields in, tenant::TokenRoleWritten& e) {
  in.read("name", e.name);
  auto role = in.object("role");
  role.read("allowed_policies", e.role.allowed_policies);
  role.read("disallowed_policies", e.role.disallowed_policies);
  role.read("allowed_policies_glob", e.role.allowed_policies_glob);
  role.read("disallowed_policies_glob", e.role.disallowed_policies_glob);
  role.read("orphan", e.role.orphan);
  role.read("renewable", e.role.renewable);
  role.read("no_default_policy", e.role.no_default_policy);
  role.read("path_suffix", e.role.path_suffix);
  role.read("period_s", e.role.period);
  role.read("explicit_max_ttl_s", e.role.explicit_max_ttl);
  role.read("num_uses", e.role.num_uses);
  if (role.has("allowed_entity_aliases"))
    role.object("allowed_entity_aliases").read("texts", e.role.allowed_entity_aliases);
}
void read(JsonFields in, tenant::TokenRoleRemoved& e) {
  in.read("name", e.name);
}
void read(JsonFields in, tenant::PasswordPolicyWritten& e) {
  in.read("name", e.name);
  in.read("text", e.text);
}
void read(JsonFields in, tenant::PasswordPolicyRemoved& e) {
  in.read("name", e.name);
}
void read(JsonFields in, tenant::RateLimitWritten& e) {
  in.read("name", e.name);
  auto limit = in.object("limit");
  limit.read("path", e.limit.path);
  limit.read("rate_micro", e.limit.rate_micro);
  limit.read("interval_s", e.limit.interval);
  limit.read("block_interval_s", e.limit.block_interval);
  limit.read("inheritable", e.limit.inheritable);
  std::uint32_t group_by = 0;
  limit.read("group_by", group_by);
  e.limit.group_by = group_by == 2 ? quota::GroupBy::none : quota::GroupBy::address;
}
void read(JsonFields in, tenant::RateLimitRemoved& e) {
  in.read("name", e.name);
}
void read(JsonFields in, tenant::QuotaSettingsChanged& e) {
  in.read("exempt_paths", e.exempt_paths);
}
void read(JsonFields in, tenant::UnsealSharesChanged& e) {
  in.read("shares", e.shares);
  in.read("threshold", e.threshold);
  in.read("changed_time", e.changed_time);
}

void read(JsonFields in, keyring::KeyReference& key) {
  in.read("id", key.id);
  in.read("blob_hash", key.blob_hash);
}
void read(JsonFields in, keyring::KeyringCreated& e) {
  in.read("root_epoch", e.root_epoch);
  read(in.object("tenant_key"), e.tenant_key);
  read(in.object("log_key"), e.log_key);
  read(in.object("index_key"), e.index_key);
  in.read("created_time", e.created_time);
}
void read(JsonFields in, keyring::TenantKeyRotated& e) {
  in.read("term", e.term);
  in.read("root_epoch", e.root_epoch);
  read(in.object("tenant_key"), e.tenant_key);
  read(in.object("log_key"), e.log_key);
  read(in.object("index_key"), e.index_key);
  in.read("automatic", e.automatic);
  in.read("rotated_time", e.rotated_time);
}
void read(JsonFields in, keyring::TenantKeyRewrapped& e) {
  in.read("term", e.term);
  in.read("keys", e.keys);
  in.read("set_hash", e.set_hash);
  in.read("rewrapped_time", e.rewrapped_time);
}
void read(JsonFields in, keyring::TenantKeyRetired& e) {
  in.read("term", e.term);
  in.read("key", e.key);
  in.read("keys", e.keys);
  in.read("retired_time", e.retired_time);
}

void read(JsonFields in, token::TokenCreated& e) {
  in.read("id", e.id);
  in.read("accessor", e.accessor);
  in.read("tenant", e.tenant);
  in.read("parent", e.parent);
  in.read("policies", e.policies);
  in.read("meta", e.meta);
  in.read("display_name", e.display_name);
  in.read("path", e.path);
  in.read("created_time", e.created_time);
  in.read("ttl_s", e.ttl);
  in.read("explicit_max_ttl_s", e.explicit_max_ttl);
  in.read("period_s", e.period);
  in.read("num_uses", e.num_uses);
  in.read("renewable", e.renewable);
  if (in.has("chosen_id")) in.read("chosen_id", e.chosen_id);
  if (in.has("entity")) in.read("entity", e.entity);
}
void read(JsonFields in, token::TokenRenewed& e) {
  in.read("renewed_time", e.renewed_time);
  in.read("expire_time", e.expire_time);
}
void read(JsonFields in, token::TokenUsed& e) {
  in.read("uses_left", e.uses_left);
}
void read(JsonFields in, token::TokenRevoked& e) {
  in.read("revoked_time", e.revoked_time);
  in.read("children_live_on", e.children_live_on);
}
void read(JsonFields, token::TokenForgotten&) {}

void read(JsonFields in, policy::PolicyWritten& e) {
  in.read("name", e.name);
  in.read("text", e.text);
  in.read("modified_time", e.modified_time);
}
void read(JsonFields in, policy::PolicyRemoved& e) {
  in.read("name", e.name);
}

void read(JsonFields in, identity::Alias& alias) {
  in.read("id", alias.id);
  in.read("name", alias.name);
  in.read("mount_accessor", alias.mount_accessor);
  in.read("metadata", alias.metadata);
  in.read("custom_metadata", alias.custom_metadata);
  in.read("merged_from", alias.merged_from);
  in.read("created_time", alias.created_time);
  in.read("updated_time", alias.updated_time);
}
void read(JsonFields in, identity::EntityWritten& e) {
  auto entity = in.object("entity");
  entity.read("id", e.entity.id);
  entity.read("name", e.entity.name);
  entity.read("metadata", e.entity.metadata);
  entity.read("policies", e.entity.policies);
  entity.read("disabled", e.entity.disabled);
  for (auto& alias : entity.objects("aliases")) read(alias, e.entity.aliases.emplace_back());
  entity.read("merged", e.entity.merged);
  entity.read("created_time", e.entity.created_time);
  entity.read("updated_time", e.entity.updated_time);
}
void read(JsonFields in, identity::EntityRemoved& e) {
  in.read("id", e.id);
  in.read("merged_into", e.merged_into);
}
void read(JsonFields in, identity::GroupWritten& e) {
  auto group = in.object("group");
  group.read("id", e.group.id);
  group.read("name", e.group.name);
  group.read("external", e.group.external);
  group.read("metadata", e.group.metadata);
  group.read("policies", e.group.policies);
  if (group.has("alias")) read(group.object("alias"), e.group.alias.emplace());
  group.read("created_time", e.group.created_time);
  group.read("updated_time", e.group.updated_time);
}
void read(JsonFields in, identity::GroupRemoved& e) {
  in.read("id", e.id);
}
void read(JsonFields in, identity::GroupMembersChanged& e) {
  in.read("group", e.group);
  in.read("entities_added", e.entities_added);
  in.read("entities_removed", e.entities_removed);
  in.read("groups_added", e.groups_added);
  in.read("groups_removed", e.groups_removed);
}

template <class Aggregate, class E>
codec::AnyEvent read_as(const json::Value& body, JsonFields::Fault& fault) {
  E event;
  read(JsonFields(body, fault), event);
  return codec::AnyEvent(std::in_place_type<Aggregate>, std::move(event));
}

struct Row {
  std::string_view name;
  codec::AnyEvent (*read)(const json::Value& body, JsonFields::Fault& fault);
};

// One row for each event of the server's registry (events/codec/event_registry.cpp), whose test
// reads them all.
constexpr std::array kRows = {
    Row{"secret.created", &read_as<secret::Event, secret::SecretCreated>},
    Row{"secret.version_written", &read_as<secret::Event, secret::SecretVersionWritten>},
    Row{"secret.versions_deleted", &read_as<secret::Event, secret::SecretVersionsDeleted>},
    Row{"secret.versions_undeleted", &read_as<secret::Event, secret::SecretVersionsUndeleted>},
    Row{"secret.versions_destroyed", &read_as<secret::Event, secret::SecretVersionsDestroyed>},
    Row{"secret.metadata_changed", &read_as<secret::Event, secret::SecretMetadataChanged>},
    Row{"secret.removed", &read_as<secret::Event, secret::SecretRemoved>},
    Row{"tenant.created", &read_as<tenant::Event, tenant::TenantCreated>},
    Row{"tenant.metadata_changed", &read_as<tenant::Event, tenant::TenantMetadataChanged>},
    Row{"tenant.deleted", &read_as<tenant::Event, tenant::TenantDeleted>},
    Row{"tenant.mount_enabled", &read_as<tenant::Event, tenant::MountEnabled>},
    Row{"tenant.mount_tuned", &read_as<tenant::Event, tenant::MountTuned>},
    Row{"tenant.mount_disabled", &read_as<tenant::Event, tenant::MountDisabled>},
    Row{"tenant.mount_settings_changed", &read_as<tenant::Event, tenant::MountSettingsChanged>},
    Row{"tenant.mount_options_changed", &read_as<tenant::Event, tenant::MountOptionsChanged>},
    Row{"tenant.mount_moved", &read_as<tenant::Event, tenant::MountMoved>},
    Row{"tenant.token_role_written", &read_as<tenant::Event, tenant::TokenRoleWritten>},
    Row{"tenant.token_role_removed", &read_as<tenant::Event, tenant::TokenRoleRemoved>},
    Row{"tenant.password_policy_written", &read_as<tenant::Event, tenant::PasswordPolicyWritten>},
    Row{"tenant.password_policy_removed", &read_as<tenant::Event, tenant::PasswordPolicyRemoved>},
    Row{"tenant.rate_limit_written", &read_as<tenant::Event, tenant::RateLimitWritten>},
    Row{"tenant.rate_limit_removed", &read_as<tenant::Event, tenant::RateLimitRemoved>},
    Row{"tenant.quota_settings_changed", &read_as<tenant::Event, tenant::QuotaSettingsChanged>},
    Row{"tenant.unseal_shares_changed", &read_as<tenant::Event, tenant::UnsealSharesChanged>},
    Row{"keyring.created", &read_as<keyring::Event, keyring::KeyringCreated>},
    Row{"keyring.tenant_key_rotated", &read_as<keyring::Event, keyring::TenantKeyRotated>},
    Row{"keyring.tenant_key_rewrapped", &read_as<keyring::Event, keyring::TenantKeyRewrapped>},
    Row{"keyring.tenant_key_retired", &read_as<keyring::Event, keyring::TenantKeyRetired>},
    Row{"token.created", &read_as<token::Event, token::TokenCreated>},
    Row{"token.renewed", &read_as<token::Event, token::TokenRenewed>},
    Row{"token.used", &read_as<token::Event, token::TokenUsed>},
    Row{"token.revoked", &read_as<token::Event, token::TokenRevoked>},
    Row{"token.forgotten", &read_as<token::Event, token::TokenForgotten>},
    Row{"policy.written", &read_as<policy::Event, policy::PolicyWritten>},
    Row{"policy.removed", &read_as<policy::Event, policy::PolicyRemoved>},
    Row{"identity.entity_written", &read_as<identity::Event, identity::EntityWritten>},
    Row{"identity.entity_removed", &read_as<identity::Event, identity::EntityRemoved>},
    Row{"identity.group_written", &read_as<identity::Event, identity::GroupWritten>},
    Row{"identity.group_removed", &read_as<identity::Event, identity::GroupRemoved>},
    Row{"identity.group_members_changed", &read_as<identity::Event, identity::GroupMembersChanged>},
};

}  // namespace

Result<codec::AnyEvent> parse_event(std::string_view name, const json::Value& body) {
  const auto* row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.name == name; });
  if (row == kRows.end())
    return fail(ErrorCode::unsupported,
                fmt::format("event {} is not known to coffer " COFFER_VERSION, printable(name)));
  JsonFields::Fault fault;
  auto event = row->read(body, fault);
  if (fault) return fail(ErrorCode::corrupt, fmt::format("event {}: {}", name, *fault));
  return event;
}

}  // namespace coffer::cli
