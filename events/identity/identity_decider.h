// The rules of the identity store, with Vault's texts: commands -> events or a refusal. Pure but
// for what they read through Store. Names, ids and members are bounded (identity_store.h).
#pragma once

#include <variant>

#include "events/identity/identity_store.h"

namespace coffer::identity {

// Ids that a command may need, random; the caller makes them.
struct FreshIds {
  EntityId entity;
  GroupId group;
  AliasId alias;
};

// What is absent stays as it is. `id`: an update of that one; without it a name that is known names
// an update too, and anything else a new one.
struct WriteEntity {
  std::optional<EntityId> id;
  std::optional<std::string> name;
  std::optional<TextMap> metadata;
  std::optional<std::vector<std::string>> policies;
  std::optional<bool> disabled;
};
struct RemoveEntity {
  std::variant<EntityId, std::string> which;  // by id or by name
};
struct RemoveEntities {
  std::vector<EntityId> ids;
};
struct MergeEntities {
  std::vector<EntityId> from;
  EntityId to;
  bool force = false;                    // where both have an alias at a mount, that of `to` stays
  std::vector<AliasId> aliases_to_keep;  // where both have one, this one stays
};
struct WriteAlias {
  std::optional<AliasId> id;
  std::string name;            // empty: as it is
  std::string mount_accessor;  // empty: as it is
  bool mount_known = false;    // such a mount is there
  std::optional<EntityId> entity;
  std::optional<TextMap> custom_metadata;
};
struct RemoveAlias {
  AliasId id;
};
struct WriteGroup {
  std::optional<GroupId> id;
  std::optional<std::string> name;
  std::optional<std::string> type;  // "internal" or "external"
  std::optional<TextMap> metadata;
  std::optional<std::vector<std::string>> policies;
  std::optional<std::vector<EntityId>> member_entities;  // all of them
  std::optional<std::vector<GroupId>> member_groups;
};
struct RemoveGroup {
  std::variant<GroupId, std::string> which;
};
struct WriteGroupAlias {
  std::optional<AliasId> id;
  std::string name;
  std::string mount_accessor;
  bool mount_known = false;
  std::optional<GroupId> group;
};
struct RemoveGroupAlias {
  AliasId id;
};
using Command =
    std::variant<WriteEntity, RemoveEntity, RemoveEntities, MergeEntities, WriteAlias, RemoveAlias,
                 WriteGroup, RemoveGroup, WriteGroupAlias, RemoveGroupAlias>;

struct Decision {
  std::vector<Event> events;  // none: nothing changes
  // What was written, for the answer.
  EntityId entity;
  GroupId group;
  AliasId alias;
  std::string name;
  std::vector<AliasId> aliases;
  bool created = false;
};

[[nodiscard]] Result<Decision> decide(const Store& store, const Command& command,
                                      const FreshIds& fresh, Timestamp now);

// What a login says of who it is.
struct LoginSubject {
  std::string mount_accessor;
  std::string alias_name;
  TextMap alias_metadata;
  // Names at this mount; absent: the method says nothing of groups and memberships stay.
  std::optional<std::vector<std::string>> external_groups;
  bool create = true;  // an entity and alias when there is none
};
// The entity of the login and what changes by it: none for one who came before with the same
// metadata and groups. Zero entity: nobody, and none was to be made. permission_denied: disabled.
struct LoginDecision {
  EntityId entity;
  std::vector<Event> events;
};
[[nodiscard]] Result<LoginDecision> decide_login(const Store& store, const LoginSubject& subject,
                                                 const FreshIds& fresh, Timestamp now);

}  // namespace coffer::identity
