// Aliases of entities: written, moved to another entity, removed; and what a login does to them.
#include "events/identity/identity_rules.h"

namespace coffer::identity {
namespace {

constexpr const char* kTwice = "Alias already exists for requested entity and mount accessor";

// The entity loses the alias. It stays, also without any.
EntityWritten without(Entity entity, const AliasId& id, Timestamp now) {
  std::erase_if(entity.aliases, [&](const Alias& alias) { return alias.id == id; });
  entity.updated_time = now;
  return {std::move(entity)};
}

Result<Entity> begin_entity(const Gathered& in) {
  Entity entity;
  entity.id = in.fresh.entity;
  entity.name = made_up_name("entity", entity.id);
  entity.created_time = entity.updated_time = in.now;
  return entity;
}

Decision answer_of(const Alias& alias, const EntityId& entity, bool created) {
  Decision out;
  out.alias = alias.id;
  out.entity = entity;
  out.created = created;
  return out;
}

Result<Decision> create(const Gathered& in, const WriteAlias& c) {
  Entity entity;
  if (c.entity) {
    COFFER_ASSIGN(auto found, in.store.entity(*c.entity));
    if (!found) return invalid("invalid canonical ID");
    entity = std::move(*found);
    if (find_alias_at(entity, c.mount_accessor) != nullptr) return invalid(kTwice);
  } else {
    COFFER_ASSIGN(entity, begin_entity(in));
  }
  if (entity.aliases.size() >= kAliasesMax)
    return invalid(fmt::format("an entity can have {} aliases at most", kAliasesMax));
  Alias alias;
  alias.id = in.fresh.alias;
  alias.name = c.name;
  alias.mount_accessor = c.mount_accessor;
  alias.custom_metadata = c.custom_metadata.value_or(TextMap{});
  alias.created_time = alias.updated_time = in.now;
  auto out = answer_of(alias, entity.id, true);
  entity.aliases.push_back(std::move(alias));
  entity.updated_time = in.now;
  out.events.emplace_back(EntityWritten{std::move(entity)});
  return out;
}

Result<Decision> update(const Gathered& in, const WriteAlias& c, const Entity& owner,
                        const Alias& before) {
  Alias after = before;
  if (!c.name.empty()) after.name = c.name;
  if (!c.mount_accessor.empty()) after.mount_accessor = c.mount_accessor;
  if (c.custom_metadata) after.custom_metadata = *c.custom_metadata;
  const bool moves = c.entity && *c.entity != owner.id;
  auto out = answer_of(after, moves ? *c.entity : owner.id, false);
  if (after == before && !moves) return out;
  const bool renamed =
      folded(after.name) != folded(before.name) || after.mount_accessor != before.mount_accessor;
  if (after.mount_accessor != before.mount_accessor && !c.mount_known)
    return invalid(fmt::format("invalid mount accessor \"{}\"", after.mount_accessor));
  if (renamed) {
    COFFER_ASSIGN(const auto other, in.store.entity_of_alias(after.mount_accessor, after.name));
    if (other) return invalid("alias with combination of mount accessor and name already exists");
  }
  Entity target = owner;
  if (moves) {
    COFFER_ASSIGN(auto found, in.store.entity(*c.entity));
    if (!found) return invalid("invalid canonical ID");
    target = std::move(*found);
    if (target.aliases.size() >= kAliasesMax)
      return invalid(fmt::format("an entity can have {} aliases at most", kAliasesMax));
    out.events.emplace_back(without(owner, before.id, in.now));
  }
  std::erase_if(target.aliases, [&](const Alias& alias) { return alias.id == before.id; });
  if (find_alias_at(target, after.mount_accessor) != nullptr) return invalid(kTwice);
  after.updated_time = target.updated_time = in.now;
  target.aliases.push_back(std::move(after));
  out.events.emplace_back(EntityWritten{std::move(target)});
  return out;
}

}  // namespace

Result<Decision> decide(const Gathered& in, const WriteAlias& c) {
  COFFER_TRY(check_name(c.name));
  if (c.custom_metadata) COFFER_TRY(check_metadata("custom_metadata", *c.custom_metadata));
  std::optional<EntityId> owner;
  if (c.id) {
    COFFER_ASSIGN(owner, in.store.entity_of_alias(*c.id));
    if (!owner) return invalid("invalid alias ID provided");
  } else {
    if (c.mount_accessor.empty() || c.name.empty())
      return invalid("'id' or 'mount_accessor' and 'name' must be provided");
    if (!c.mount_known)
      return invalid(fmt::format("invalid mount accessor \"{}\"", c.mount_accessor));
    COFFER_ASSIGN(owner, in.store.entity_of_alias(c.mount_accessor, c.name));
    if (!owner) return create(in, c);
  }
  COFFER_ASSIGN(const auto entity, must_be(in.store.entity(*owner)));
  const auto* alias = c.id ? find_alias(entity, *c.id) : find_alias_at(entity, c.mount_accessor);
  if (alias == nullptr) return fail(ErrorCode::corrupt, "an entity's alias is not there");
  return update(in, c, entity, *alias);
}

Result<Decision> decide(const Gathered& in, const RemoveAlias& c) {
  Decision out;
  COFFER_ASSIGN(const auto owner, in.store.entity_of_alias(c.id));
  if (!owner) return out;
  COFFER_ASSIGN(auto entity, must_be(in.store.entity(*owner)));
  out.events.emplace_back(without(std::move(entity), c.id, in.now));
  return out;
}

// ---------------------------------------------------------------- logins
namespace {

// The external groups of this mount that the login names, sorted.
Result<std::vector<GroupId>> named_groups(const Store& store, const LoginSubject& subject) {
  std::vector<GroupId> out;
  for (const auto& name : *subject.external_groups) {
    COFFER_ASSIGN(const auto group, store.group_of_alias(subject.mount_accessor, name));
    if (group) out.push_back(*group);
  }
  sort_unique(out);
  return out;
}

// Memberships that other mounts or operators gave stay.
Result<void> follow_groups(const Store& store, const LoginSubject& subject, LoginDecision& out) {
  if (!subject.external_groups) return {};
  if (subject.external_groups->size() > kMembersMax)
    return invalid(fmt::format("a login can name {} groups at most", kMembersMax));
  COFFER_ASSIGN(const auto after, named_groups(store, subject));
  COFFER_ASSIGN(const auto all, store.groups_of(out.entity));
  std::vector<GroupId> before;
  for (const auto& id : all) {
    COFFER_ASSIGN(const auto group, store.group(id));
    if (group && group->alias && group->alias->mount_accessor == subject.mount_accessor)
      before.push_back(id);
  }
  for (const auto& id : added(after, before))
    out.events.emplace_back(GroupMembersChanged{id, {}, {out.entity}, {}, {}});
  for (const auto& id : added(before, after))
    out.events.emplace_back(GroupMembersChanged{id, {out.entity}, {}, {}, {}});
  return {};
}

Result<LoginDecision> first_login(const Gathered& in, const LoginSubject& subject) {
  LoginDecision out;
  if (!subject.create) return out;
  COFFER_ASSIGN(auto entity, begin_entity(in));
  Alias alias;
  alias.id = in.fresh.alias;
  alias.name = subject.alias_name;
  alias.mount_accessor = subject.mount_accessor;
  alias.metadata = subject.alias_metadata;
  alias.created_time = alias.updated_time = in.now;
  entity.aliases.push_back(std::move(alias));
  out.entity = entity.id;
  out.events.emplace_back(EntityWritten{std::move(entity)});
  COFFER_TRY(follow_groups(in.store, subject, out));
  return out;
}

}  // namespace

Result<LoginDecision> decide_login(const Store& store, const LoginSubject& subject,
                                   const FreshIds& fresh, Timestamp now) {
  if (subject.mount_accessor.empty() || subject.alias_name.empty()) return LoginDecision{};
  COFFER_TRY(check_name(subject.alias_name));
  COFFER_TRY(check_metadata("metadata", subject.alias_metadata));
  COFFER_ASSIGN(const auto owner,
                store.entity_of_alias(subject.mount_accessor, subject.alias_name));
  if (!owner) return first_login({store, fresh, now}, subject);
  COFFER_ASSIGN(auto entity, must_be(store.entity(*owner)));
  if (entity.disabled) return fail(ErrorCode::permission_denied, "permission denied");
  LoginDecision out{entity.id, {}};
  for (auto& alias : entity.aliases) {
    if (alias.mount_accessor != subject.mount_accessor) continue;
    if (alias.metadata == subject.alias_metadata) break;
    alias.metadata = subject.alias_metadata;
    alias.updated_time = now;
    out.events.emplace_back(EntityWritten{entity});
    break;
  }
  COFFER_TRY(follow_groups(store, subject, out));
  return out;
}

}  // namespace coffer::identity
