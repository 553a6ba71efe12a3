// Identities: changes through the tenant's actor, reads and lists from the store, views for the
// gate.
#include "actors/identity_rows.h"
#include "actors/vault_runtime.h"

namespace coffer::actors {
namespace {

// A merged entity leads to the one it is now; more steps happen only when both change meanwhile.
constexpr unsigned kViewLoadsMax = 8;

template <class Id, class ById, class ByName, class ByAlias>
identity::Found<Id> find_id(const api::IdentityQuery& query, ById by_id, ByName by_name,
                            ByAlias by_alias) {
  switch (query.by) {
    case api::IdentityQuery::By::id:
      return identity::parse_id<Id>(query.text);
    case api::IdentityQuery::By::name:
      return by_name();
    case api::IdentityQuery::By::alias_id: {
      const auto id = identity::parse_id<identity::AliasId>(query.text);
      if (!id) return std::optional<Id>{};
      return by_id(*id);
    }
    case api::IdentityQuery::By::alias:
      return by_alias();
  }
  return std::optional<Id>{};
}

identity::Found<identity::EntityId> entity_id_of(const IdentityRows& rows,
                                                 const api::IdentityQuery& query) {
  return find_id<identity::EntityId>(
      query, [&](const identity::AliasId& id) { return rows.entity_of_alias(id); },
      [&] { return rows.entity_named(query.text); },
      [&] { return rows.entity_of_alias(query.mount_accessor, query.text); });
}

identity::Found<identity::GroupId> group_id_of(const IdentityRows& rows,
                                               const api::IdentityQuery& query) {
  return find_id<identity::GroupId>(
      query, [&](const identity::AliasId& id) { return rows.group_of_alias(id); },
      [&] { return rows.group_named(query.text); },
      [&] { return rows.group_of_alias(query.mount_accessor, query.text); });
}

Result<std::optional<api::EntityFound>> read_entity(const IdentityRows& rows,
                                                    const api::IdentityQuery& query) {
  COFFER_ASSIGN(const auto id, entity_id_of(rows, query));
  if (!id) return std::optional<api::EntityFound>{};
  COFFER_ASSIGN(auto entity, rows.entity(*id));
  if (!entity) return std::optional<api::EntityFound>{};
  api::EntityFound found{std::move(*entity), {}, {}};
  COFFER_ASSIGN(const auto direct, rows.groups_of(*id));
  for (const auto& group_id : direct) {
    COFFER_ASSIGN(const auto group, rows.group(group_id));
    if (group) found.direct_groups.push_back(group_id);
  }
  COFFER_ASSIGN(found.groups, identity::with_groups_above(rows, found.direct_groups));
  return std::optional{std::move(found)};
}

Result<api::GroupFound> with_members(const IdentityRows& rows, identity::Group group) {
  api::GroupFound found{std::move(group), {}, {}};
  COFFER_ASSIGN(found.members, rows.members(found.group.id));
  COFFER_ASSIGN(found.parents, rows.groups_of(found.group.id));
  return found;
}

Result<std::optional<api::GroupFound>> read_group(const IdentityRows& rows,
                                                  const api::IdentityQuery& query) {
  COFFER_ASSIGN(const auto id, group_id_of(rows, query));
  if (!id) return std::optional<api::GroupFound>{};
  COFFER_ASSIGN(auto group, rows.group(*id));
  if (!group) return std::optional<api::GroupFound>{};
  COFFER_ASSIGN(auto found, with_members(rows, std::move(*group)));
  return std::optional{std::move(found)};
}

Result<std::vector<api::GroupFound>> read_groups(const IdentityRows& rows,
                                                 const identity::GroupId& after,
                                                 std::size_t limit) {
  COFFER_ASSIGN(auto groups, rows.groups(after, limit));
  std::vector<api::GroupFound> out;
  for (auto& group : groups) {
    COFFER_ASSIGN(auto found, with_members(rows, std::move(group)));
    out.push_back(std::move(found));
  }
  return out;
}

// Runs `read` on the reader's thread: it may touch many rows.
template <class T, class Read>
void read_later(const Services& services, const api::AdmissionPtr& admission, Read read,
                api::Callback<T> done) {
  Promise<T> promise(std::move(done));
  auto job = std::make_shared<ReadJob>();
  job->run = [&services, admission, read = std::move(read), promise] {
    const IdentityRows rows(services.log, *gate_of(admission).snapshot->keys);
    auto result = read(rows);
    if (!result) return promise.fail(result.error());
    promise(std::move(*result));
  };
  if (!services.reader.try_send(std::move(job), services.limits.mailbox_max))
    promise.fail(ErrorCode::overloaded, "too many lists are under way");
}

}  // namespace

// ---------------------------------------------------------------- the API
void VaultRuntime::change_identity(api::AdmissionPtr admission, identity::Command command,
                                   int created_status, int changed_status,
                                   api::Callback<api::IdentityChanged> done) {
  auto request = std::make_shared<TenantRequest>();
  request->tenant = gate_of(admission).snapshot->view.id;
  request->body = ChangeIdentity{admission, std::move(command), created_status, changed_status,
                                 Promise<api::IdentityChanged>(std::move(done))};
  if (!services_->partition.try_send(request, services_->limits.mailbox_max))
    std::get<ChangeIdentity>(request->body)
        .done.fail(ErrorCode::overloaded, "too many requests for this namespace");
}

void VaultRuntime::find_entity(api::AdmissionPtr admission, api::IdentityQuery query,
                               api::Callback<std::optional<api::EntityFound>> done) {
  const IdentityRows rows(services_->log, *gate_of(admission).snapshot->keys);
  done(read_entity(rows, query));
}

void VaultRuntime::find_group(api::AdmissionPtr admission, api::IdentityQuery query,
                              api::Callback<std::optional<api::GroupFound>> done) {
  read_later<std::optional<api::GroupFound>>(
      *services_, admission,
      [query = std::move(query)](const IdentityRows& rows) { return read_group(rows, query); },
      std::move(done));
}

void VaultRuntime::list_entities(api::AdmissionPtr admission, identity::EntityId after,
                                 std::size_t limit,
                                 api::Callback<std::vector<identity::Entity>> done) {
  read_later<std::vector<identity::Entity>>(
      *services_, admission,
      [after, limit](const IdentityRows& rows) { return rows.entities(after, limit); },
      std::move(done));
}

void VaultRuntime::list_groups(api::AdmissionPtr admission, identity::GroupId after,
                               std::size_t limit,
                               api::Callback<std::vector<api::GroupFound>> done) {
  read_later<std::vector<api::GroupFound>>(
      *services_, admission,
      [after, limit](const IdentityRows& rows) { return read_groups(rows, after, limit); },
      std::move(done));
}

// ---------------------------------------------------------------- views
void VaultRuntime::load_identity(const TenantId& tenant, const identity::EntityId& id,
                                 api::Callback<bool> done) {
  auto request = std::make_shared<TenantRequest>();
  request->tenant = tenant;
  request->body = LoadIdentity{id, Promise<bool>(std::move(done))};
  if (!services_->partition.try_send(request, services_->limits.mailbox_max))
    std::get<LoadIdentity>(request->body).done.fail(ErrorCode::overloaded, "too many requests");
}

IdentityViewPtr VaultRuntime::find_identity_view(const TenantSnapshot& owner,
                                                 const identity::EntityId& id) const {
  auto view = services_->identities.find(id);
  if (!view || view->tenant != owner.view.id || view->generation != *owner.identity_generation)
    return nullptr;
  return view;
}

void VaultRuntime::with_identity(TenantSnapshotPtr owner, TokenStatePtr token, IdentityLoaded done,
                                 unsigned loads) {
  auto id = token->entity;
  if (id.is_zero()) return done(IdentityViewPtr{});
  // An actor that came back has published another one.
  if (auto now = services_->tenants.find(owner->view.id)) owner = std::move(now);
  auto view = find_identity_view(*owner, id);
  if (view && !view->merged_into.is_zero()) {
    id = view->merged_into;
    view = find_identity_view(*owner, id);
  }
  if (view) return done(std::move(view));
  if (loads >= kViewLoadsMax)
    return done(fail(ErrorCode::overloaded, "the server is busy loading"));
  const auto tenant = owner->view.id;
  load_identity(tenant, id,
                [this, owner, token, done = std::move(done), loads](Result<bool> loaded) {
                  if (!loaded) return done(std::move(loaded).error());
                  with_identity(owner, token, done, loads + 1);
                });
}

void VaultRuntime::with_identity_policies(TokenStatePtr token,
                                          api::Callback<std::vector<std::string>> done) {
  if (token->entity.is_zero()) return done(std::vector<std::string>{});
  const auto tenant = token->tenant;
  activate(tenant, [this, token, done = std::move(done)](Result<TenantSnapshotPtr> owner) {
    if (!owner) return done(std::move(owner).error());
    with_identity(*owner, token, [done](Result<IdentityViewPtr> view) {
      if (!view) return done(std::move(view).error());
      done(*view ? (*view)->policies : std::vector<std::string>{});
    });
  });
}

}  // namespace coffer::actors
