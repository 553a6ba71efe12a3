// Groups and their aliases.
#include "events/identity/identity_rules.h"

namespace coffer::identity {
namespace {

Result<Group> find_or_begin(const Gathered& in, const WriteGroup& c, bool& created) {
  Group group;
  if (c.id) {
    COFFER_ASSIGN(auto by_id, in.store.group(*c.id));
    if (!by_id) return invalid("group not found from id");
    group = std::move(*by_id);
  }
  if (c.name && !c.name->empty()) {
    COFFER_ASSIGN(const auto named, in.store.group_named(*c.name));
    if (named && c.id && *named != *c.id) return invalid("group name is already in use");
    if (named && !c.id) {
      COFFER_ASSIGN(group, must_be(in.store.group(*named)));
    }
  }
  created = group.id.is_zero();
  if (!created) return group;
  group.id = in.fresh.group;
  group.name = made_up_name("group", group.id);
  group.created_time = in.now;
  return group;
}

Result<void> set_type(Group& group, const WriteGroup& c, bool created) {
  if (!c.type || c.type->empty()) return {};
  const bool external = *c.type == "external";
  if (!created && (group.external ? "external" : "internal") != *c.type)
    return invalid("group type cannot be changed");
  if (!external && *c.type != "internal")
    return invalid(fmt::format("invalid group type \"{}\"", *c.type));
  group.external = external;
  return {};
}

Result<void> check_members(const Gathered& in, const GroupId& group,
                           const GroupMembersChanged& change) {
  for (const auto& id : change.entities_added) {
    COFFER_ASSIGN(const auto entity, in.store.entity(id));
    if (!entity) return invalid(fmt::format("invalid entity ID \"{}\"", id.to_string()));
  }
  if (change.groups_added.empty()) return {};
  // A member that is the group itself or stands above it would close a cycle.
  COFFER_ASSIGN(const auto above, with_groups_above(in.store, {group}));
  for (const auto& id : change.groups_added) {
    if (id == group)
      return invalid(
          fmt::format("member group ID \"{}\" is same as the ID of the group", id.to_string()));
    COFFER_ASSIGN(const auto member, in.store.group(id));
    if (!member) return invalid(fmt::format("invalid group ID \"{}\"", id.to_string()));
    if (std::binary_search(above.begin(), above.end(), id))
      return invalid(
          fmt::format("cyclic relationship detected for member group ID \"{}\"", id.to_string()));
  }
  return {};
}

template <class Id>
Result<void> replace_members(const std::optional<std::vector<Id>>& wanted,
                             const std::vector<Id>& now, std::vector<Id>& more,
                             std::vector<Id>& less) {
  if (!wanted) return {};
  if (wanted->size() > kMembersMax)
    return invalid(fmt::format("a request can name {} members at most", kMembersMax));
  auto after = *wanted;
  sort_unique(after);
  more = added(now, after);
  less = added(after, now);
  return {};
}

bool names_members(const WriteGroup& c) {
  return c.member_entities.has_value() || c.member_groups.has_value();
}

Result<GroupMembersChanged> plan_members(const Gathered& in, const Group& group,
                                         const WriteGroup& c) {
  GroupMembersChanged change;
  change.group = group.id;
  if (!names_members(c)) return change;
  if (group.external && c.member_entities && !c.member_entities->empty())
    return invalid("member entities can't be set manually for external groups");
  if (group.external && c.member_groups && !c.member_groups->empty())
    return invalid("member groups can't be set for external groups");
  if (group.external) return change;
  COFFER_ASSIGN(const auto before, in.store.members(group.id));
  COFFER_TRY(replace_members(c.member_entities, before.entities, change.entities_added,
                             change.entities_removed));
  COFFER_TRY(
      replace_members(c.member_groups, before.groups, change.groups_added, change.groups_removed));
  COFFER_TRY(check_members(in, group.id, change));
  return change;
}

bool is_empty(const GroupMembersChanged& change) {
  return change == GroupMembersChanged{change.group, {}, {}, {}, {}};
}

}  // namespace

Result<Decision> decide(const Gathered& in, const WriteGroup& c) {
  Decision out;
  COFFER_ASSIGN(auto group, find_or_begin(in, c, out.created));
  const auto before = group;
  COFFER_TRY(set_type(group, c, out.created));
  if (c.name && !c.name->empty()) {
    COFFER_TRY(check_name(*c.name));
    group.name = *c.name;
  }
  if (c.metadata) {
    COFFER_TRY(check_metadata("metadata", *c.metadata));
    group.metadata = *c.metadata;
  }
  if (c.policies) {
    COFFER_ASSIGN(group.policies, clean_policies(*c.policies));
  }
  COFFER_ASSIGN(auto members, plan_members(in, group, c));
  out.group = group.id;
  out.name = group.name;
  const bool members_change = !is_empty(members);
  if (out.created || members_change || !(group == before)) {
    group.updated_time = in.now;
    out.events.emplace_back(GroupWritten{std::move(group)});
  }
  if (members_change) out.events.emplace_back(std::move(members));
  return out;
}

Result<Decision> decide(const Gathered& in, const RemoveGroup& c) {
  Decision out;
  if (const auto* name = std::get_if<std::string>(&c.which)) {
    COFFER_ASSIGN(const auto named, in.store.group_named(*name));
    if (named) out.events.emplace_back(GroupRemoved{*named});
    return out;
  }
  COFFER_ASSIGN(const auto group, in.store.group(std::get<GroupId>(c.which)));
  if (group) out.events.emplace_back(GroupRemoved{group->id});
  return out;
}

// ---------------------------------------------------------------- aliases
namespace {

// The group that shall have the alias: the one that is named, the one that has it, or a new one.
Result<Group> target_of(const Gathered& in, const WriteGroupAlias& c,
                        const std::optional<GroupId>& owner) {
  if (c.group) {
    COFFER_ASSIGN(auto found, in.store.group(*c.group));
    if (!found) return invalid("invalid canonical ID");
    if (!found->external) return invalid("alias can't be set on an internal group");
    return std::move(*found);
  }
  if (owner) return must_be(in.store.group(*owner));
  Group group;
  group.id = in.fresh.group;
  group.name = made_up_name("group", group.id);
  group.external = true;
  group.created_time = in.now;
  return group;
}

}  // namespace

Result<Decision> decide(const Gathered& in, const WriteGroupAlias& c) {
  if (c.name.empty()) return invalid("missing alias name");
  if (c.mount_accessor.empty()) return invalid("missing mount_accessor");
  COFFER_TRY(check_name(c.name));
  if (!c.mount_known)
    return invalid(fmt::format("invalid mount accessor \"{}\"", c.mount_accessor));
  COFFER_ASSIGN(auto owner, in.store.group_of_alias(c.mount_accessor, c.name));
  if (c.id) {
    COFFER_ASSIGN(const auto by_id, in.store.group_of_alias(*c.id));
    if (!by_id) return invalid("invalid group alias ID");
    if (owner && *owner != *by_id)
      return invalid("alias with combination of mount accessor and name already exists");
    owner = by_id;
  }
  COFFER_ASSIGN(auto group, target_of(in, c, owner));
  Decision out;
  Alias alias;
  alias.id = in.fresh.alias;
  alias.created_time = in.now;
  if (owner) {
    COFFER_ASSIGN(auto before, must_be(in.store.group(*owner)));
    alias = *before.alias;
    if (before.id != group.id) {
      before.alias.reset();
      before.updated_time = in.now;
      out.events.emplace_back(GroupWritten{std::move(before)});
    }
  } else {
    out.created = true;
  }
  if (group.alias && group.alias->id != alias.id) return invalid("group already has an alias");
  alias.name = c.name;
  alias.mount_accessor = c.mount_accessor;
  alias.updated_time = group.updated_time = in.now;
  out.alias = alias.id;
  out.group = group.id;
  group.alias = std::move(alias);
  out.events.emplace_back(GroupWritten{std::move(group)});
  return out;
}

Result<Decision> decide(const Gathered& in, const RemoveGroupAlias& c) {
  Decision out;
  COFFER_ASSIGN(const auto owner, in.store.group_of_alias(c.id));
  if (!owner) return out;
  COFFER_ASSIGN(auto group, must_be(in.store.group(*owner)));
  group.alias.reset();
  group.updated_time = in.now;
  out.events.emplace_back(GroupWritten{std::move(group)});
  return out;
}

}  // namespace coffer::identity
