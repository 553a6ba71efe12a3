// An identity store in memory and the commands that change it, for tests of its rules.
#pragma once

#include <doctest/doctest.h>

#include "events/identity/identity_decider.h"
#include "events/identity/map_store.h"

namespace coffer::identity {

struct World {
  MapStore store;
  Timestamp now{1'764'000'000'000'000'000};
  std::uint8_t next = 0;

  // 16 bytes: none twice in a test.
  template <class Id>
  Id fresh_id() {
    Id id;
    id.bytes.fill(++next);
    return id;
  }
  Result<Decision> decided(const Command& command) {
    now = now + Seconds{1};
    const FreshIds fresh{fresh_id<EntityId>(), fresh_id<GroupId>(), fresh_id<AliasId>()};
    return decide(store, command, fresh, now);
  }
  Result<Decision> run(const Command& command) {
    auto decision = decided(command);
    if (!decision) return decision;
    for (const auto& event : decision->events) REQUIRE(store.apply(event).ok());
    return decision;
  }
  // The text of the refusal; empty when it was taken.
  std::string refusal(const Command& command) {
    auto decision = run(command);
    return decision ? std::string{} : decision.error().message;
  }
  void must(const Command& command) { REQUIRE(refusal(command).empty()); }
  EntityId entity(const std::string& name) {
    WriteEntity write;
    write.name = name;
    return run(write)->entity;
  }
  GroupId group(const std::string& name, const std::vector<EntityId>& entities = {},
                const std::vector<GroupId>& groups = {}) {
    WriteGroup write;
    write.name = name;
    write.member_entities = entities;
    write.member_groups = groups;
    return run(write)->group;
  }
  GroupId external(const std::string& name, const std::string& accessor) {
    WriteGroup write;
    write.name = name;
    write.type = "external";
    const auto id = run(write)->group;
    REQUIRE(refusal(WriteGroupAlias{{}, name, accessor, true, id}).empty());
    return id;
  }
  AliasId alias(const EntityId& owner, const std::string& name, const std::string& accessor) {
    return run(WriteAlias{{}, name, accessor, true, owner, {}})->alias;
  }
};

}  // namespace coffer::identity
