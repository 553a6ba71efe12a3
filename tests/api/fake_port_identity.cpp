// The FakePort's identity store: the real rules over maps.
#include "tests/api/fake_port.h"
#include "tests/api/fake_port_detail.h"

namespace coffer::test {
namespace {

using By = api::IdentityQuery::By;

std::optional<identity::EntityId> entity_id(const identity::MapStore& store,
                                            const api::IdentityQuery& query) {
  if (query.by == By::name) return *store.entity_named(query.text);
  if (query.by == By::alias) return *store.entity_of_alias(query.mount_accessor, query.text);
  if (query.by == By::id) return identity::parse_id<identity::EntityId>(query.text);
  const auto alias = identity::parse_id<identity::AliasId>(query.text);
  return alias ? *store.entity_of_alias(*alias) : std::nullopt;
}
std::optional<identity::GroupId> group_id(const identity::MapStore& store,
                                          const api::IdentityQuery& query) {
  if (query.by == By::name) return *store.group_named(query.text);
  if (query.by == By::alias) return *store.group_of_alias(query.mount_accessor, query.text);
  if (query.by == By::id) return identity::parse_id<identity::GroupId>(query.text);
  const auto alias = identity::parse_id<identity::AliasId>(query.text);
  return alias ? *store.group_of_alias(*alias) : std::nullopt;
}
api::GroupFound with_members(const identity::MapStore& store, const identity::Group& group) {
  return {group, *store.members(group.id), *store.groups_of(group.id)};
}

}  // namespace

void FakePort::change_identity(api::AdmissionPtr admission, identity::Command command,
                               int created_status, int changed_status,
                               api::Callback<api::IdentityChanged> done) {
  if (fails(done)) return;
  auto& store = tenant_of(admission).identities;
  identity::FreshIds fresh;
  fresh.entity.bytes.fill(++identities_made_);
  fresh.group.bytes.fill(++identities_made_);
  fresh.alias.bytes.fill(++identities_made_);
  auto decision = identity::decide(store, command, fresh, time);
  if (!decision) return done(decision.error());
  for (const auto& event : decision->events) COFFER_CHECK(store.apply(event).ok());
  const bool recorded =
      !decision->events.empty() && note_change(decision->created ? created_status : changed_status);
  done(api::IdentityChanged{std::move(*decision), recorded});
}

void FakePort::find_entity(api::AdmissionPtr admission, api::IdentityQuery query,
                           api::Callback<std::optional<api::EntityFound>> done) {
  if (fails(done)) return;
  const auto& store = tenant_of(admission).identities;
  const auto id = entity_id(store, query);
  const auto entity = id ? *store.entity(*id) : std::nullopt;
  if (!entity) return done(std::optional<api::EntityFound>{});
  const auto direct = *store.groups_of(*id);
  done(std::optional{
      api::EntityFound{*entity, direct, *identity::with_groups_above(store, direct)}});
}

void FakePort::find_group(api::AdmissionPtr admission, api::IdentityQuery query,
                          api::Callback<std::optional<api::GroupFound>> done) {
  if (fails(done)) return;
  const auto& store = tenant_of(admission).identities;
  const auto id = group_id(store, query);
  const auto group = id ? *store.group(*id) : std::nullopt;
  if (!group) return done(std::optional<api::GroupFound>{});
  done(std::optional{with_members(store, *group)});
}

void FakePort::list_entities(api::AdmissionPtr admission, identity::EntityId after,
                             std::size_t limit, api::Callback<std::vector<identity::Entity>> done) {
  if (fails(done)) return;
  std::vector<identity::Entity> out;
  for (const auto& [id, entity] : tenant_of(admission).identities.entities())
    if (id > after && out.size() < limit) out.push_back(entity);
  done(std::move(out));
}

void FakePort::list_groups(api::AdmissionPtr admission, identity::GroupId after, std::size_t limit,
                           api::Callback<std::vector<api::GroupFound>> done) {
  if (fails(done)) return;
  const auto& store = tenant_of(admission).identities;
  std::vector<api::GroupFound> out;
  for (const auto& [id, group] : store.groups())
    if (id > after && out.size() < limit) out.push_back(with_members(store, group));
  done(std::move(out));
}

}  // namespace coffer::test
