#include "events/codec/event_messages.h"

namespace coffer::codec {
namespace {

void put(schema::MountTuning* field, const tenant::MountTuning& tuning) {
  if (tuning.description) field->set_description(*tuning.description);
  if (tuning.default_lease_ttl) field->set_default_lease_ttl_s(tuning.default_lease_ttl->count);
  if (tuning.max_lease_ttl) field->set_max_lease_ttl_s(tuning.max_lease_ttl->count);
  if (tuning.listing_visibility) field->set_listing_visibility(*tuning.listing_visibility);
  if (tuning.force_no_cache) field->set_force_no_cache(*tuning.force_no_cache);
}

void from_message(schema::MountTuning& m, tenant::MountTuning& tuning) {
  if (m.has_description()) tuning.description = std::move(*m.mutable_description());
  if (m.has_default_lease_ttl_s()) tuning.default_lease_ttl = Seconds{m.default_lease_ttl_s()};
  if (m.has_max_lease_ttl_s()) tuning.max_lease_ttl = Seconds{m.max_lease_ttl_s()};
  if (m.has_listing_visibility())
    tuning.listing_visibility = std::move(*m.mutable_listing_visibility());
  if (m.has_force_no_cache()) tuning.force_no_cache = m.force_no_cache();
}

}  // namespace

schema::TenantCreated to_message(const tenant::TenantCreated& event) {
  schema::TenantCreated m;
  put(m.mutable_parent(), event.parent);
  m.set_name(event.name);
  if (!event.custom_metadata.empty()) put(m.mutable_custom_metadata(), event.custom_metadata);
  m.set_created_time_ns(event.created_time.ns);
  return m;
}

void from_message(schema::TenantCreated& m, tenant::TenantCreated& event, FieldReader& in) {
  in.id("parent", m.parent(), event.parent);
  event.name = std::move(*m.mutable_name());
  in.text_map("custom_metadata", *m.mutable_custom_metadata(), event.custom_metadata);
  event.created_time = {m.created_time_ns()};
}

schema::TenantMetadataChanged to_message(const tenant::TenantMetadataChanged& event) {
  schema::TenantMetadataChanged m;
  if (!event.custom_metadata.empty()) put(m.mutable_custom_metadata(), event.custom_metadata);
  return m;
}

void from_message(schema::TenantMetadataChanged& m, tenant::TenantMetadataChanged& event,
                  FieldReader& in) {
  in.text_map("custom_metadata", *m.mutable_custom_metadata(), event.custom_metadata);
}

schema::TenantDeleted to_message(const tenant::TenantDeleted& event) {
  schema::TenantDeleted m;
  m.set_deleted_time_ns(event.deleted_time.ns);
  return m;
}

void from_message(schema::TenantDeleted& m, tenant::TenantDeleted& event, FieldReader&) {
  event.deleted_time = {m.deleted_time_ns()};
}

schema::MountEnabled to_message(const tenant::MountEnabled& event) {
  schema::MountEnabled m;
  put(m.mutable_id(), event.id);
  m.set_path(event.path);
  m.set_type(event.type);
  m.set_accessor(event.accessor);
  if (!event.options.empty()) put(m.mutable_options(), event.options);
  put(m.mutable_tuning(), event.tuning);
  m.set_local(event.local);
  m.set_seal_wrap(event.seal_wrap);
  m.set_created_time_ns(event.created_time.ns);
  return m;
}

void from_message(schema::MountEnabled& m, tenant::MountEnabled& event, FieldReader& in) {
  in.id("id", m.id(), event.id);
  event.path = std::move(*m.mutable_path());
  event.type = std::move(*m.mutable_type());
  event.accessor = std::move(*m.mutable_accessor());
  in.text_map("options", *m.mutable_options(), event.options);
  in.required("tuning", m.has_tuning());
  from_message(*m.mutable_tuning(), event.tuning);
  event.local = m.local();
  event.seal_wrap = m.seal_wrap();
  event.created_time = {m.created_time_ns()};
}

schema::MountTuned to_message(const tenant::MountTuned& event) {
  schema::MountTuned m;
  m.set_path(event.path);
  put(m.mutable_tuning(), event.tuning);
  return m;
}

void from_message(schema::MountTuned& m, tenant::MountTuned& event, FieldReader& in) {
  event.path = std::move(*m.mutable_path());
  in.required("tuning", m.has_tuning());
  from_message(*m.mutable_tuning(), event.tuning);
}

schema::MountDisabled to_message(const tenant::MountDisabled& event) {
  schema::MountDisabled m;
  m.set_path(event.path);
  put(m.mutable_id(), event.id);
  return m;
}

void from_message(schema::MountDisabled& m, tenant::MountDisabled& event, FieldReader& in) {
  event.path = std::move(*m.mutable_path());
  in.id("id", m.id(), event.id);
}

schema::MountSettingsChanged to_message(const tenant::MountSettingsChanged& event) {
  schema::MountSettingsChanged m;
  m.set_path(event.path);
  *m.mutable_settings() = to_message(event.settings);
  return m;
}

void from_message(schema::MountSettingsChanged& m, tenant::MountSettingsChanged& event,
                  FieldReader& in) {
  event.path = std::move(*m.mutable_path());
  in.required("settings", m.has_settings());
  from_message(m.settings(), event.settings);
}

schema::MountOptionsChanged to_message(const tenant::MountOptionsChanged& event) {
  schema::MountOptionsChanged m;
  m.set_path(event.path);
  if (!event.options.empty()) put(m.mutable_options(), event.options);
  return m;
}

void from_message(schema::MountOptionsChanged& m, tenant::MountOptionsChanged& event,
                  FieldReader& in) {
  event.path = std::move(*m.mutable_path());
  in.text_map("options", *m.mutable_options(), event.options);
}

schema::MountMoved to_message(const tenant::MountMoved& event) {
  schema::MountMoved m;
  m.set_from(event.from);
  m.set_to(event.to);
  put(m.mutable_id(), event.id);
  put(m.mutable_migration(), event.migration);
  return m;
}

void from_message(schema::MountMoved& m, tenant::MountMoved& event, FieldReader& in) {
  event.from = std::move(*m.mutable_from());
  event.to = std::move(*m.mutable_to());
  in.id("id", m.id(), event.id);
  in.id("migration", m.migration(), event.migration);
}

schema::TokenRoleWritten to_message(const tenant::TokenRoleWritten& event) {
  schema::TokenRoleWritten m;
  m.set_name(event.name);
  *m.mutable_role() = to_message(event.role);
  return m;
}

void from_message(schema::TokenRoleWritten& m, tenant::TokenRoleWritten& event, FieldReader& in) {
  event.name = std::move(*m.mutable_name());
  in.required("role", m.has_role());
  from_message(*m.mutable_role(), event.role);
}

schema::TokenRoleRemoved to_message(const tenant::TokenRoleRemoved& event) {
  schema::TokenRoleRemoved m;
  m.set_name(event.name);
  return m;
}

void from_message(schema::TokenRoleRemoved& m, tenant::TokenRoleRemoved& event, FieldReader&) {
  event.name = std::move(*m.mutable_name());
}

schema::TokenRole to_message(const token::TokenRole& role) {
  schema::TokenRole m;
  const auto put_names = [](auto* field, const std::vector<std::string>& names) {
    field->Assign(names.begin(), names.end());
  };
  put_names(m.mutable_allowed_policies(), role.allowed_policies);
  put_names(m.mutable_disallowed_policies(), role.disallowed_policies);
  put_names(m.mutable_allowed_policies_glob(), role.allowed_policies_glob);
  put_names(m.mutable_disallowed_policies_glob(), role.disallowed_policies_glob);
  m.set_orphan(role.orphan);
  m.set_renewable(role.renewable);
  m.set_no_default_policy(role.no_default_policy);
  m.set_path_suffix(role.path_suffix);
  m.set_period_s(role.period.count);
  m.set_explicit_max_ttl_s(role.explicit_max_ttl.count);
  m.set_num_uses(role.num_uses);
  if (!role.allowed_entity_aliases.empty())
    put_names(m.mutable_allowed_entity_aliases()->mutable_texts(), role.allowed_entity_aliases);
  return m;
}

void from_message(schema::TokenRole& m, token::TokenRole& role) {
  const auto take_names = [](const auto& field, std::vector<std::string>& names) {
    names.assign(field.begin(), field.end());
  };
  take_names(m.allowed_policies(), role.allowed_policies);
  take_names(m.disallowed_policies(), role.disallowed_policies);
  take_names(m.allowed_policies_glob(), role.allowed_policies_glob);
  take_names(m.disallowed_policies_glob(), role.disallowed_policies_glob);
  role.orphan = m.orphan();
  role.renewable = m.renewable();
  role.no_default_policy = m.no_default_policy();
  role.path_suffix = std::move(*m.mutable_path_suffix());
  role.period = {m.period_s()};
  role.explicit_max_ttl = {m.explicit_max_ttl_s()};
  role.num_uses = m.num_uses();
  take_names(m.allowed_entity_aliases().texts(), role.allowed_entity_aliases);
}

schema::MountSettings to_message(const secret::MountSettings& settings) {
  schema::MountSettings m;
  m.set_max_versions(settings.max_versions);
  m.set_cas_required(settings.cas_required);
  m.set_delete_version_after_s(settings.delete_version_after.count);
  return m;
}

void from_message(const schema::MountSettings& m, secret::MountSettings& settings) {
  settings.max_versions = m.max_versions();
  settings.cas_required = m.cas_required();
  settings.delete_version_after = {m.delete_version_after_s()};
}

}  // namespace coffer::codec
