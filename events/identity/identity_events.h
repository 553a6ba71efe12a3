// Events of a tenant's identity store: entities (who somebody is, whatever they log in with), their
// aliases (one for each auth mount they log in at), groups of both. Memberships have events of
// their own: a group may have very many members, and a login changes few of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "events/base/ids.h"
#include "events/base/time.h"

namespace coffer::identity {

using TextMap = std::map<std::string, std::string>;
using EntityId = Id128<struct EntityTag>;
using AliasId = Id128<struct IdentityAliasTag>;  // of an entity or a group
using GroupId = Id128<struct IdentityGroupTag>;

// The name under which an auth mount knows somebody. Unique by mount and name in any case.
struct Alias {
  AliasId id;
  std::string name;
  std::string mount_accessor;
  TextMap metadata;         // what the last login said
  TextMap custom_metadata;  // what an operator wrote
  std::vector<EntityId> merged_from;
  Timestamp created_time;
  Timestamp updated_time;
  friend bool operator==(const Alias&, const Alias&) = default;
};

struct Entity {
  EntityId id;
  std::string name;  // unique in any case
  TextMap metadata;
  std::vector<std::string> policies;
  bool disabled = false;
  std::vector<Alias> aliases;    // at most one a mount
  std::vector<EntityId> merged;  // entities that were merged into it; tokens of theirs are its own
  Timestamp created_time;
  Timestamp updated_time;
  friend bool operator==(const Entity&, const Entity&) = default;
};

struct Group {
  GroupId id;
  std::string name;  // unique in any case
  bool external = false;
  TextMap metadata;
  std::vector<std::string> policies;
  std::optional<Alias> alias;  // of external ones: the group's name at an auth mount
  Timestamp created_time;
  Timestamp updated_time;
  friend bool operator==(const Group&, const Group&) = default;
};

struct EntityWritten {
  Entity entity;  // as it stands from now on
  friend bool operator==(const EntityWritten&, const EntityWritten&) = default;
};
struct EntityRemoved {
  EntityId id;
  EntityId merged_into;  // zero: deleted
  friend bool operator==(const EntityRemoved&, const EntityRemoved&) = default;
};
struct GroupWritten {
  Group group;  // as it stands from now on
  friend bool operator==(const GroupWritten&, const GroupWritten&) = default;
};
// Its memberships are gone too.
struct GroupRemoved {
  GroupId id;
  friend bool operator==(const GroupRemoved&, const GroupRemoved&) = default;
};
struct GroupMembersChanged {
  GroupId group;
  std::vector<EntityId> entities_added;
  std::vector<EntityId> entities_removed;
  std::vector<GroupId> groups_added;
  std::vector<GroupId> groups_removed;
  friend bool operator==(const GroupMembersChanged&, const GroupMembersChanged&) = default;
};

using Event =
    std::variant<EntityWritten, EntityRemoved, GroupWritten, GroupRemoved, GroupMembersChanged>;

// 8-4-4-4-12 hex digits, as Id128::to_string writes them; nothing for any other text.
template <class Id>
[[nodiscard]] std::optional<Id> parse_id(std::string_view text) {
  std::string hex;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash != (text[i] == '-')) return std::nullopt;
    if (!is_dash) hex.push_back(text[i]);
  }
  const auto bytes = from_hex(hex);
  if (text.size() != 36 || bytes.size() != 16) return std::nullopt;
  return Id::from_bytes(bytes);
}

// Names are compared so.
[[nodiscard]] std::string folded(std::string_view name);

}  // namespace coffer::identity
