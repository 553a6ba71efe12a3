#include "actors/identity_rows.h"

#include <algorithm>

#include "events/log/state_keys.h"

namespace coffer::actors {
namespace {

using log::IdentityRow;
using log::MemberKind;

constexpr std::size_t kRowsPerPage = 1000;
constexpr auto kFamily = log::Family::aggregates;

using NameHash = Id128<struct HashTag>;

NameHash entity_name_hash(const TenantKeys& keys, std::string_view name) {
  return keys.name_hash("identity entity", {}, identity::folded(name));
}
NameHash group_name_hash(const TenantKeys& keys, std::string_view name) {
  return keys.name_hash("identity group", {}, identity::folded(name));
}
NameHash alias_hash(const TenantKeys& keys, std::string_view domain, std::string_view accessor,
                    std::string_view name) {
  std::string both(accessor);
  both.push_back('\0');
  both += identity::folded(name);
  return keys.name_hash(domain, {}, both);
}
NameHash entity_alias_hash(const TenantKeys& keys, std::string_view accessor,
                           std::string_view name) {
  return alias_hash(keys, "identity entity alias", accessor, name);
}
NameHash group_alias_hash(const TenantKeys& keys, std::string_view accessor,
                          std::string_view name) {
  return alias_hash(keys, "identity group alias", accessor, name);
}

template <class State>
Result<State> open_snapshot(const TenantKeys& keys, BytesView key, BytesView stored) {
  COFFER_ASSIGN(auto opened, keys.open(key, log::unstamp(stored).value));
  COFFER_ASSIGN(auto snapshot, codec::decode_snapshot<State>(opened.expose()));
  return std::move(snapshot.state);
}

}  // namespace

// ---------------------------------------------------------------- reading
template <class Id>
identity::Found<Id> IdentityRows::indexed(IdentityRow row, BytesView id16) const {
  const auto key = log::identity_row(keys_.tenant(), row, id16);
  COFFER_ASSIGN(const auto stored, store_.get(kFamily, key));
  if (!stored) return std::optional<Id>{};
  COFFER_ASSIGN(const auto opened, keys_.open(key, *stored));
  if (opened.expose().size() != 16)
    return fail(ErrorCode::corrupt, "an index row of the identity store holds no id");
  return std::optional{Id::from_bytes(opened.expose())};
}

template <class State, class Id>
identity::Found<State> IdentityRows::snapshot(IdentityRow row, const Id& id) const {
  const auto key = log::identity_row(keys_.tenant(), row, id.view());
  COFFER_ASSIGN(const auto stored, store_.get(kFamily, key));
  if (!stored) return std::optional<State>{};
  COFFER_ASSIGN(auto state, open_snapshot<State>(keys_, key, *stored));
  return std::optional<State>{std::move(state)};
}

template <class State>
Result<std::vector<State>> IdentityRows::page(IdentityRow row, BytesView after,
                                              std::size_t limit) const {
  std::vector<State> out;
  auto last = log::identity_row(keys_.tenant(), row, after);
  const auto prefix = log::identity_prefix(keys_.tenant(), row);
  while (out.size() < limit) {
    COFFER_ASSIGN(auto rows,
                  store_.scan(kFamily, prefix, last, std::min(kRowsPerPage, limit - out.size())));
    if (rows.empty()) break;
    for (const auto& stored : rows) {
      COFFER_ASSIGN(auto state, open_snapshot<State>(keys_, stored.key, stored.value));
      out.push_back(std::move(state));
    }
    last = std::move(rows.back().key);
  }
  return out;
}

// The last 16 bytes of the keys, which come in their order.
template <class Id>
Result<std::vector<Id>> IdentityRows::ids_below(const Bytes& prefix, std::size_t limit) const {
  std::vector<Id> out;
  Bytes after;
  while (true) {
    COFFER_ASSIGN(auto rows, store_.scan(kFamily, prefix, after, kRowsPerPage));
    if (rows.empty()) return out;
    if (out.size() + rows.size() > limit)
      return fail(ErrorCode::too_large, fmt::format("more than {} members", limit));
    for (const auto& row : rows) out.push_back(Id::from_bytes(BytesView(row.key).last(16)));
    after = std::move(rows.back().key);
  }
}

identity::Found<identity::Entity> IdentityRows::entity(const identity::EntityId& id) const {
  return snapshot<identity::Entity>(IdentityRow::entity, id);
}
identity::Found<identity::EntityId> IdentityRows::entity_named(std::string_view name) const {
  return indexed<identity::EntityId>(IdentityRow::entity_name,
                                     entity_name_hash(keys_, name).view());
}
identity::Found<identity::EntityId> IdentityRows::entity_of_alias(
    const identity::AliasId& id) const {
  return indexed<identity::EntityId>(IdentityRow::entity_alias, id.view());
}
identity::Found<identity::EntityId> IdentityRows::entity_of_alias(std::string_view mount_accessor,
                                                                  std::string_view name) const {
  return indexed<identity::EntityId>(IdentityRow::entity_alias_name,
                                     entity_alias_hash(keys_, mount_accessor, name).view());
}
identity::Found<identity::EntityId> IdentityRows::merged_into(const identity::EntityId& id) const {
  return indexed<identity::EntityId>(IdentityRow::merged, id.view());
}
identity::Found<identity::Group> IdentityRows::group(const identity::GroupId& id) const {
  return snapshot<identity::Group>(IdentityRow::group, id);
}
identity::Found<identity::GroupId> IdentityRows::group_named(std::string_view name) const {
  return indexed<identity::GroupId>(IdentityRow::group_name, group_name_hash(keys_, name).view());
}
identity::Found<identity::GroupId> IdentityRows::group_of_alias(const identity::AliasId& id) const {
  return indexed<identity::GroupId>(IdentityRow::group_alias, id.view());
}
identity::Found<identity::GroupId> IdentityRows::group_of_alias(std::string_view mount_accessor,
                                                                std::string_view name) const {
  return indexed<identity::GroupId>(IdentityRow::group_alias_name,
                                    group_alias_hash(keys_, mount_accessor, name).view());
}

Result<identity::Members> IdentityRows::members(const identity::GroupId& id) const {
  const auto below = [&](MemberKind kind) {
    return log::member_prefix(keys_.tenant(), id.view(), kind);
  };
  identity::Members out;
  COFFER_ASSIGN(out.entities, ids_below<identity::EntityId>(below(MemberKind::entity),
                                                            identity::kMembersKeptMax));
  COFFER_ASSIGN(out.groups,
                ids_below<identity::GroupId>(below(MemberKind::group), identity::kMembersKeptMax));
  return out;
}
Result<std::vector<identity::GroupId>> IdentityRows::groups_of(const identity::EntityId& id) const {
  return ids_below<identity::GroupId>(
      log::membership_prefix(keys_.tenant(), MemberKind::entity, id.view()),
      identity::kGroupsWalkMax);
}
Result<std::vector<identity::GroupId>> IdentityRows::groups_of(const identity::GroupId& id) const {
  return ids_below<identity::GroupId>(
      log::membership_prefix(keys_.tenant(), MemberKind::group, id.view()),
      identity::kGroupsWalkMax);
}

Result<std::vector<identity::Entity>> IdentityRows::entities(const identity::EntityId& after,
                                                             std::size_t limit) const {
  return page<identity::Entity>(IdentityRow::entity, after.view(), limit);
}
Result<std::vector<identity::Group>> IdentityRows::groups(const identity::GroupId& after,
                                                          std::size_t limit) const {
  return page<identity::Group>(IdentityRow::group, after.view(), limit);
}

// ---------------------------------------------------------------- writing
namespace {

class RowWriter {
 public:
  RowWriter(log::Append& append, const log::StateReader& store, const TenantKeys& keys)
      : append_(append), keys_(keys), rows_(store, keys) {}

  Result<void> operator()(const identity::EntityWritten& e) {
    const auto& after = e.entity;
    COFFER_ASSIGN(auto found, rows_.entity(after.id));
    const auto before = found.value_or(identity::Entity{});
    COFFER_TRY(put_snapshot(IdentityRow::entity, after.id.view(),
                            codec::encode_snapshot(codec::Snapshot<identity::Entity>{0, after})));
    const bool was_named = !before.id.is_zero();
    COFFER_TRY(
        rename(IdentityRow::entity_name,
               was_named ? std::optional(entity_name_hash(keys_, before.name)) : std::nullopt,
               entity_name_hash(keys_, after.name), after.id.view()));
    for (const auto& alias : before.aliases) drop_entity_alias(alias);
    for (const auto& alias : after.aliases) {
      COFFER_TRY(put_index(IdentityRow::entity_alias, alias.id.view(), after.id.view()));
      COFFER_TRY(put_index(IdentityRow::entity_alias_name,
                           entity_alias_hash(keys_, alias.mount_accessor, alias.name).view(),
                           after.id.view()));
    }
    for (const auto& merged : after.merged)
      COFFER_TRY(put_index(IdentityRow::merged, merged.view(), after.id.view()));
    return {};
  }

  Result<void> operator()(const identity::EntityRemoved& e) {
    COFFER_ASSIGN(const auto before, rows_.entity(e.id));
    if (!before) return fail(ErrorCode::corrupt, "removed entity is not there");
    drop(IdentityRow::entity, e.id.view());
    drop(IdentityRow::entity_name, entity_name_hash(keys_, before->name).view());
    for (const auto& alias : before->aliases) drop_entity_alias(alias);
    // Those of a merged one are put anew by the one it is now.
    for (const auto& merged : before->merged) drop(IdentityRow::merged, merged.view());
    COFFER_ASSIGN(const auto groups, rows_.groups_of(e.id));
    for (const auto& group : groups) drop_member(group, MemberKind::entity, e.id.view());
    return {};
  }

  Result<void> operator()(const identity::GroupWritten& e) {
    const auto& after = e.group;
    COFFER_ASSIGN(auto found, rows_.group(after.id));
    const auto before = found.value_or(identity::Group{});
    COFFER_TRY(put_snapshot(IdentityRow::group, after.id.view(),
                            codec::encode_snapshot(codec::Snapshot<identity::Group>{0, after})));
    const bool was_named = !before.id.is_zero();
    COFFER_TRY(rename(IdentityRow::group_name,
                      was_named ? std::optional(group_name_hash(keys_, before.name)) : std::nullopt,
                      group_name_hash(keys_, after.name), after.id.view()));
    if (before.alias) drop_group_alias(*before.alias);
    if (!after.alias) return {};
    COFFER_TRY(put_index(IdentityRow::group_alias, after.alias->id.view(), after.id.view()));
    return put_index(IdentityRow::group_alias_name,
                     group_alias_hash(keys_, after.alias->mount_accessor, after.alias->name).view(),
                     after.id.view());
  }

  Result<void> operator()(const identity::GroupRemoved& e) {
    COFFER_ASSIGN(const auto before, rows_.group(e.id));
    if (!before) return fail(ErrorCode::corrupt, "removed group is not there");
    drop(IdentityRow::group, e.id.view());
    drop(IdentityRow::group_name, group_name_hash(keys_, before->name).view());
    if (before->alias) drop_group_alias(*before->alias);
    COFFER_ASSIGN(const auto parents, rows_.groups_of(e.id));
    for (const auto& parent : parents) drop_member(parent, MemberKind::group, e.id.view());
    COFFER_ASSIGN(const auto members, rows_.members(e.id));
    drop_memberships(MemberKind::entity, members.entities, e.id);
    drop_memberships(MemberKind::group, members.groups, e.id);
    append_.prefix_deletes.push_back(
        {kFamily, log::identity_row(keys_.tenant(), IdentityRow::member, e.id.view())});
    return {};
  }

  Result<void> operator()(const identity::GroupMembersChanged& e) {
    for (const auto& id : e.entities_removed) drop_member(e.group, MemberKind::entity, id.view());
    for (const auto& id : e.groups_removed) drop_member(e.group, MemberKind::group, id.view());
    for (const auto& id : e.entities_added) put_member(e.group, MemberKind::entity, id.view());
    for (const auto& id : e.groups_added) put_member(e.group, MemberKind::group, id.view());
    return {};
  }

 private:
  [[nodiscard]] Bytes key(IdentityRow row, BytesView id16) const {
    return log::identity_row(keys_.tenant(), row, id16);
  }
  Result<void> put_snapshot(IdentityRow row, BytesView id, BytesView plaintext) {
    COFFER_ASSIGN(auto change, sealed_row(keys_, kFamily, key(row, id), plaintext, true));
    append_.changes.push_back(std::move(change));
    return {};
  }
  Result<void> put_index(IdentityRow row, BytesView id16, BytesView target) {
    COFFER_ASSIGN(auto change, sealed_row(keys_, kFamily, key(row, id16), target, false));
    append_.changes.push_back(std::move(change));
    return {};
  }
  Result<void> rename(IdentityRow row, const std::optional<NameHash>& before, const NameHash& after,
                      BytesView target) {
    if (before == after) return {};
    if (before) drop(row, before->view());
    return put_index(row, after.view(), target);
  }
  void drop(IdentityRow row, BytesView id16) {
    append_.changes.push_back(deleted_row(kFamily, key(row, id16)));
  }
  void drop_entity_alias(const identity::Alias& alias) {
    drop(IdentityRow::entity_alias, alias.id.view());
    drop(IdentityRow::entity_alias_name,
         entity_alias_hash(keys_, alias.mount_accessor, alias.name).view());
  }
  void drop_group_alias(const identity::Alias& alias) {
    drop(IdentityRow::group_alias, alias.id.view());
    drop(IdentityRow::group_alias_name,
         group_alias_hash(keys_, alias.mount_accessor, alias.name).view());
  }
  void put_member(const identity::GroupId& group, MemberKind kind, BytesView member) {
    append_.changes.push_back(
        plain_row(kFamily, log::member_row(keys_.tenant(), group.view(), kind, member), Bytes{1}));
    append_.changes.push_back(plain_row(
        kFamily, log::membership_row(keys_.tenant(), kind, member, group.view()), Bytes{1}));
  }
  void drop_member(const identity::GroupId& group, MemberKind kind, BytesView member) {
    append_.changes.push_back(
        deleted_row(kFamily, log::member_row(keys_.tenant(), group.view(), kind, member)));
    append_.changes.push_back(
        deleted_row(kFamily, log::membership_row(keys_.tenant(), kind, member, group.view())));
  }
  // What stays beyond the bound of one batch leads to a group that is not there, and its id does
  // not come again.
  template <class Id>
  void drop_memberships(MemberKind kind, const std::vector<Id>& members,
                        const identity::GroupId& group) {
    for (std::size_t i = 0; i < std::min(members.size(), identity::kMembersMax); ++i)
      append_.changes.push_back(deleted_row(
          kFamily, log::membership_row(keys_.tenant(), kind, members[i].view(), group.view())));
  }

  log::Append& append_;
  const TenantKeys& keys_;
  IdentityRows rows_;
};

}  // namespace

Result<void> add_identity_rows(log::Append& append, const log::StateReader& store,
                               const TenantKeys& keys, const std::vector<identity::Event>& events) {
  RowWriter writer(append, store, keys);
  for (const auto& event : events) COFFER_TRY(std::visit(writer, event));
  return {};
}

}  // namespace coffer::actors
