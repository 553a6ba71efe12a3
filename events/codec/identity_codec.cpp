#include "events/codec/event_messages.h"

namespace coffer::codec {
namespace {

template <class Ids>
void put_ids(google::protobuf::RepeatedPtrField<std::string>& field, const Ids& ids) {
  for (const auto& id : ids) put(field.Add(), id);
}
template <class Id>
void take_ids(const char* name, const google::protobuf::RepeatedPtrField<std::string>& field,
              std::vector<Id>& out, FieldReader& in) {
  out.reserve(static_cast<std::size_t>(field.size()));
  for (const auto& raw : field) in.id(name, raw, out.emplace_back());
}

void fill(schema::IdentityAlias& m, const identity::Alias& alias) {
  put(m.mutable_id(), alias.id);
  m.set_name(alias.name);
  m.set_mount_accessor(alias.mount_accessor);
  if (!alias.metadata.empty()) put(m.mutable_metadata(), alias.metadata);
  if (!alias.custom_metadata.empty()) put(m.mutable_custom_metadata(), alias.custom_metadata);
  put_ids(*m.mutable_merged_from(), alias.merged_from);
  m.set_created_time_ns(alias.created_time.ns);
  m.set_updated_time_ns(alias.updated_time.ns);
}

void take(schema::IdentityAlias& m, identity::Alias& alias, FieldReader& in) {
  in.id("id of an alias", m.id(), alias.id);
  alias.name = std::move(*m.mutable_name());
  alias.mount_accessor = std::move(*m.mutable_mount_accessor());
  in.text_map("metadata of an alias", *m.mutable_metadata(), alias.metadata);
  in.text_map("custom_metadata of an alias", *m.mutable_custom_metadata(), alias.custom_metadata);
  take_ids("merged_from", m.merged_from(), alias.merged_from, in);
  alias.created_time = {m.created_time_ns()};
  alias.updated_time = {m.updated_time_ns()};
}

}  // namespace

schema::IdentityEntity to_message(const identity::Entity& entity) {
  schema::IdentityEntity m;
  put(m.mutable_id(), entity.id);
  m.set_name(entity.name);
  if (!entity.metadata.empty()) put(m.mutable_metadata(), entity.metadata);
  m.mutable_policies()->Assign(entity.policies.begin(), entity.policies.end());
  m.set_disabled(entity.disabled);
  for (const auto& alias : entity.aliases) fill(*m.add_aliases(), alias);
  put_ids(*m.mutable_merged(), entity.merged);
  m.set_created_time_ns(entity.created_time.ns);
  m.set_updated_time_ns(entity.updated_time.ns);
  return m;
}

void from_message(schema::IdentityEntity& m, identity::Entity& entity, FieldReader& in) {
  in.id("id of an entity", m.id(), entity.id);
  entity.name = std::move(*m.mutable_name());
  in.text_map("metadata of an entity", *m.mutable_metadata(), entity.metadata);
  entity.policies.assign(m.policies().begin(), m.policies().end());
  entity.disabled = m.disabled();
  for (auto& alias : *m.mutable_aliases()) take(alias, entity.aliases.emplace_back(), in);
  take_ids("merged", m.merged(), entity.merged, in);
  entity.created_time = {m.created_time_ns()};
  entity.updated_time = {m.updated_time_ns()};
}

schema::IdentityGroup to_message(const identity::Group& group) {
  schema::IdentityGroup m;
  put(m.mutable_id(), group.id);
  m.set_name(group.name);
  m.set_external(group.external);
  if (!group.metadata.empty()) put(m.mutable_metadata(), group.metadata);
  m.mutable_policies()->Assign(group.policies.begin(), group.policies.end());
  if (group.alias) fill(*m.mutable_alias(), *group.alias);
  m.set_created_time_ns(group.created_time.ns);
  m.set_updated_time_ns(group.updated_time.ns);
  return m;
}

void from_message(schema::IdentityGroup& m, identity::Group& group, FieldReader& in) {
  in.id("id of a group", m.id(), group.id);
  group.name = std::move(*m.mutable_name());
  group.external = m.external();
  in.text_map("metadata of a group", *m.mutable_metadata(), group.metadata);
  group.policies.assign(m.policies().begin(), m.policies().end());
  if (m.has_alias()) take(*m.mutable_alias(), group.alias.emplace(), in);
  group.created_time = {m.created_time_ns()};
  group.updated_time = {m.updated_time_ns()};
}

schema::IdentityEntityWritten to_message(const identity::EntityWritten& event) {
  schema::IdentityEntityWritten m;
  *m.mutable_entity() = to_message(event.entity);
  return m;
}

void from_message(schema::IdentityEntityWritten& m, identity::EntityWritten& event,
                  FieldReader& in) {
  in.required("entity", m.has_entity());
  from_message(*m.mutable_entity(), event.entity, in);
}

schema::IdentityEntityRemoved to_message(const identity::EntityRemoved& event) {
  schema::IdentityEntityRemoved m;
  put(m.mutable_id(), event.id);
  put(m.mutable_merged_into(), event.merged_into);
  return m;
}

void from_message(schema::IdentityEntityRemoved& m, identity::EntityRemoved& event,
                  FieldReader& in) {
  in.id("id", m.id(), event.id);
  in.id("merged_into", m.merged_into(), event.merged_into);
}

schema::IdentityGroupWritten to_message(const identity::GroupWritten& event) {
  schema::IdentityGroupWritten m;
  *m.mutable_group() = to_message(event.group);
  return m;
}

void from_message(schema::IdentityGroupWritten& m, identity::GroupWritten& event, FieldReader& in) {
  in.required("group", m.has_group());
  from_message(*m.mutable_group(), event.group, in);
}

schema::IdentityGroupRemoved to_message(const identity::GroupRemoved& event) {
  schema::IdentityGroupRemoved m;
  put(m.mutable_id(), event.id);
  return m;
}

void from_message(schema::IdentityGroupRemoved& m, identity::GroupRemoved& event, FieldReader& in) {
  in.id("id", m.id(), event.id);
}

schema::IdentityGroupMembersChanged to_message(const identity::GroupMembersChanged& event) {
  schema::IdentityGroupMembersChanged m;
  put(m.mutable_group(), event.group);
  put_ids(*m.mutable_entities_added(), event.entities_added);
  put_ids(*m.mutable_entities_removed(), event.entities_removed);
  put_ids(*m.mutable_groups_added(), event.groups_added);
  put_ids(*m.mutable_groups_removed(), event.groups_removed);
  return m;
}

void from_message(schema::IdentityGroupMembersChanged& m, identity::GroupMembersChanged& event,
                  FieldReader& in) {
  in.id("group", m.group(), event.group);
  take_ids("entities_added", m.entities_added(), event.entities_added, in);
  take_ids("entities_removed", m.entities_removed(), event.entities_removed, in);
  take_ids("groups_added", m.groups_added(), event.groups_added, in);
  take_ids("groups_removed", m.groups_removed(), event.groups_removed, in);
}

}  // namespace coffer::codec
