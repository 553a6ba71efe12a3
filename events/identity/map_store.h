// An identity store in memory: evolve() over maps. For tests and for replaying a tenant's log; the
// product keeps rows (actors/identity_rows.h). Not thread-safe.
#pragma once

#include <map>
#include <set>

#include "events/identity/identity_store.h"

namespace coffer::identity {

class MapStore final : public Store {
 public:
  // corrupt: the event does not fit.
  [[nodiscard]] Result<void> apply(const Event& event);

  [[nodiscard]] Found<Entity> entity(const EntityId& id) const override;
  [[nodiscard]] Found<EntityId> entity_named(std::string_view name) const override;
  [[nodiscard]] Found<EntityId> entity_of_alias(const AliasId& id) const override;
  [[nodiscard]] Found<EntityId> entity_of_alias(std::string_view mount_accessor,
                                                std::string_view name) const override;
  [[nodiscard]] Found<EntityId> merged_into(const EntityId& id) const override;
  [[nodiscard]] Found<Group> group(const GroupId& id) const override;
  [[nodiscard]] Found<GroupId> group_named(std::string_view name) const override;
  [[nodiscard]] Found<GroupId> group_of_alias(const AliasId& id) const override;
  [[nodiscard]] Found<GroupId> group_of_alias(std::string_view mount_accessor,
                                              std::string_view name) const override;
  [[nodiscard]] Result<Members> members(const GroupId& id) const override;
  [[nodiscard]] Result<std::vector<GroupId>> groups_of(const EntityId& id) const override;
  [[nodiscard]] Result<std::vector<GroupId>> groups_of(const GroupId& id) const override;

  [[nodiscard]] const std::map<EntityId, Entity>& entities() const noexcept { return entities_; }
  [[nodiscard]] const std::map<GroupId, Group>& groups() const noexcept { return groups_; }

 private:
  Result<void> evolve(const EntityWritten& event);
  Result<void> evolve(const EntityRemoved& event);
  Result<void> evolve(const GroupWritten& event);
  Result<void> evolve(const GroupRemoved& event);
  Result<void> evolve(const GroupMembersChanged& event);

  std::map<EntityId, Entity> entities_;
  std::map<EntityId, EntityId> merged_;
  std::map<GroupId, Group> groups_;
  std::map<GroupId, std::set<EntityId>> member_entities_;
  std::map<GroupId, std::set<GroupId>> member_groups_;
};

}  // namespace coffer::identity
