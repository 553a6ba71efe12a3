#include "events/identity/map_store.h"

namespace coffer::identity {
namespace {

Error corrupt(const char* what) {
  return fail(ErrorCode::corrupt, what);
}

template <class Map, class Fits>
auto find_id(const Map& map, Fits fits) -> Found<typename Map::key_type> {
  for (const auto& [id, value] : map)
    if (fits(value)) return std::optional{id};
  return std::optional<typename Map::key_type>{};
}
template <class Map>
auto find_value(const Map& map, const typename Map::key_type& id)
    -> Found<typename Map::mapped_type> {
  const auto found = map.find(id);
  if (found == map.end()) return std::optional<typename Map::mapped_type>{};
  return std::optional{found->second};
}
template <class Map, class Member>
Result<std::vector<GroupId>> holders(const Map& map, const Member& member) {
  std::vector<GroupId> out;
  for (const auto& [group, members] : map)
    if (members.contains(member)) out.push_back(group);
  return out;
}

bool is_named(const Alias& alias, std::string_view accessor, std::string_view name) {
  return alias.mount_accessor == accessor && folded(alias.name) == folded(name);
}

}  // namespace

Result<void> MapStore::apply(const Event& event) {
  return std::visit([this](const auto& e) { return evolve(e); }, event);
}

Result<void> MapStore::evolve(const EntityWritten& event) {
  entities_.insert_or_assign(event.entity.id, event.entity);
  for (const auto& merged : event.entity.merged) merged_.insert_or_assign(merged, event.entity.id);
  return {};
}

Result<void> MapStore::evolve(const EntityRemoved& event) {
  const auto found = entities_.find(event.id);
  if (found == entities_.end()) return corrupt("removed entity is not there");
  if (event.merged_into.is_zero())
    for (const auto& merged : found->second.merged) merged_.erase(merged);
  entities_.erase(found);
  for (auto& [group, members] : member_entities_) members.erase(event.id);
  return {};
}

Result<void> MapStore::evolve(const GroupWritten& event) {
  groups_.insert_or_assign(event.group.id, event.group);
  return {};
}

Result<void> MapStore::evolve(const GroupRemoved& event) {
  if (groups_.erase(event.id) == 0) return corrupt("removed group is not there");
  member_entities_.erase(event.id);
  member_groups_.erase(event.id);
  for (auto& [group, members] : member_groups_) members.erase(event.id);
  return {};
}

Result<void> MapStore::evolve(const GroupMembersChanged& event) {
  if (!groups_.contains(event.group)) return corrupt("members of a group that is not there");
  auto& entities = member_entities_[event.group];
  auto& groups = member_groups_[event.group];
  for (const auto& id : event.entities_removed) entities.erase(id);
  for (const auto& id : event.groups_removed) groups.erase(id);
  entities.insert(event.entities_added.begin(), event.entities_added.end());
  groups.insert(event.groups_added.begin(), event.groups_added.end());
  return {};
}

Found<Entity> MapStore::entity(const EntityId& id) const {
  return find_value(entities_, id);
}
Found<EntityId> MapStore::entity_named(std::string_view name) const {
  return find_id(entities_, [&](const Entity& e) { return folded(e.name) == folded(name); });
}
Found<EntityId> MapStore::entity_of_alias(const AliasId& id) const {
  return find_id(entities_, [&](const Entity& e) {
    for (const auto& alias : e.aliases)
      if (alias.id == id) return true;
    return false;
  });
}
Found<EntityId> MapStore::entity_of_alias(std::string_view mount_accessor,
                                          std::string_view name) const {
  return find_id(entities_, [&](const Entity& e) {
    for (const auto& alias : e.aliases)
      if (is_named(alias, mount_accessor, name)) return true;
    return false;
  });
}
Found<EntityId> MapStore::merged_into(const EntityId& id) const {
  return find_value(merged_, id);
}
Found<Group> MapStore::group(const GroupId& id) const {
  return find_value(groups_, id);
}
Found<GroupId> MapStore::group_named(std::string_view name) const {
  return find_id(groups_, [&](const Group& g) { return folded(g.name) == folded(name); });
}
Found<GroupId> MapStore::group_of_alias(const AliasId& id) const {
  return find_id(groups_, [&](const Group& g) { return g.alias && g.alias->id == id; });
}
Found<GroupId> MapStore::group_of_alias(std::string_view mount_accessor,
                                        std::string_view name) const {
  return find_id(
      groups_, [&](const Group& g) { return g.alias && is_named(*g.alias, mount_accessor, name); });
}

Result<Members> MapStore::members(const GroupId& id) const {
  Members out;
  if (const auto found = member_entities_.find(id); found != member_entities_.end())
    out.entities.assign(found->second.begin(), found->second.end());
  if (const auto found = member_groups_.find(id); found != member_groups_.end())
    out.groups.assign(found->second.begin(), found->second.end());
  return out;
}
Result<std::vector<GroupId>> MapStore::groups_of(const EntityId& id) const {
  return holders(member_entities_, id);
}
Result<std::vector<GroupId>> MapStore::groups_of(const GroupId& id) const {
  return holders(member_groups_, id);
}

}  // namespace coffer::identity
