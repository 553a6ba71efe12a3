// What the rules ask of a tenant's identity store. It may hold hundreds of thousands of entities,
// so it is no value in memory: actors/identity_rows.h reads it from the state store, MapStore
// (map_store.h) keeps a small one. Threads: as the implementation says. Errors: those of the store.
#pragma once

#include "events/base/result.h"
#include "events/identity/identity_events.h"

namespace coffer::identity {

inline constexpr std::size_t kNameBytesMax = 512;
inline constexpr std::size_t kMetadataPairsMax = 64;
inline constexpr std::size_t kMetadataKeyBytesMax = 128;
inline constexpr std::size_t kMetadataValueBytesMax = 512;
inline constexpr std::size_t kPoliciesMax = 1000;
inline constexpr std::size_t kAliasesMax = 100;            // of an entity
inline constexpr std::size_t kMergedMax = 1000;            // entities merged into one
inline constexpr std::size_t kMembersMax = 10'000;         // of one request that names them
inline constexpr std::size_t kMembersKeptMax = 1'000'000;  // of a group
inline constexpr std::size_t kGroupsWalkMax = 10'000;      // groups above one entity or group

template <class T>
using Found = Result<std::optional<T>>;

struct Members {
  std::vector<EntityId> entities;  // sorted, both
  std::vector<GroupId> groups;
};

class Store {
 public:
  virtual ~Store() = default;
  [[nodiscard]] virtual Found<Entity> entity(const EntityId& id) const = 0;
  [[nodiscard]] virtual Found<EntityId> entity_named(std::string_view name) const = 0;
  [[nodiscard]] virtual Found<EntityId> entity_of_alias(const AliasId& id) const = 0;
  [[nodiscard]] virtual Found<EntityId> entity_of_alias(std::string_view mount_accessor,
                                                        std::string_view name) const = 0;
  // Where an entity that was merged lives on.
  [[nodiscard]] virtual Found<EntityId> merged_into(const EntityId& id) const = 0;
  [[nodiscard]] virtual Found<Group> group(const GroupId& id) const = 0;
  [[nodiscard]] virtual Found<GroupId> group_named(std::string_view name) const = 0;
  [[nodiscard]] virtual Found<GroupId> group_of_alias(const AliasId& id) const = 0;
  [[nodiscard]] virtual Found<GroupId> group_of_alias(std::string_view mount_accessor,
                                                      std::string_view name) const = 0;
  [[nodiscard]] virtual Result<Members> members(const GroupId& id) const = 0;
  // Groups that have it as a direct member, sorted.
  [[nodiscard]] virtual Result<std::vector<GroupId>> groups_of(const EntityId& id) const = 0;
  [[nodiscard]] virtual Result<std::vector<GroupId>> groups_of(const GroupId& id) const = 0;
};

// The groups above `start` and those in it, each once, sorted. too_large beyond kGroupsWalkMax.
[[nodiscard]] Result<std::vector<GroupId>> with_groups_above(const Store& store,
                                                             std::vector<GroupId> start);

}  // namespace coffer::identity
