// Rules of the identity store, with Vault's texts.
#include "tests/events/identity_world.h"

namespace coffer::identity {
namespace {

const std::string kMount = "auth_approle_1";
const std::string kOther = "auth_userpass_2";

TEST_CASE("an entity is written by name or id, and names are unique in any case") {
  World w;
  const auto alice = w.run(WriteEntity{{}, "Alice", TextMap{{"a", "b"}}, {{"P", " q ", "p"}}, {}});
  REQUIRE(alice.ok());
  CHECK(alice->created);
  CHECK(w.store.entity(alice->entity)->value().policies == std::vector<std::string>{"p", "q"});
  const auto again = w.run(WriteEntity{{}, "alice", {}, {}, true});
  REQUIRE(again.ok());
  CHECK_FALSE(again->created);
  CHECK(again->entity == alice->entity);
  const auto now = **w.store.entity(alice->entity);
  CHECK(now.disabled);
  CHECK(now.metadata == TextMap{{"a", "b"}});
  CHECK(now.created_time < now.updated_time);
  const auto bob = w.entity("bob");
  CHECK(w.refusal(WriteEntity{bob, "ALICE", {}, {}, {}}) == "entity name is already in use");
  CHECK(w.refusal(WriteEntity{EntityId{}, {}, {}, {}, {}}) == "entity not found from id");
  CHECK(w.refusal(WriteEntity{bob, {}, {}, {{"Root"}}, {}}) == "policies cannot contain root");
  CHECK(w.decided(WriteEntity{bob, "bob", {}, {}, {}})->events.empty());
  const auto unnamed = w.run(WriteEntity{});
  CHECK(unnamed->name.starts_with("entity_"));
}

TEST_CASE("what a command may hold is bounded") {
  World w;
  TextMap many;
  for (int i = 0; i < 65; ++i) many["k" + std::to_string(i)] = "v";
  CHECK_FALSE(w.refusal(WriteEntity{{}, "a", many, {}, {}}).empty());
  CHECK_FALSE(
      w.refusal(WriteEntity{{}, "a", TextMap{{std::string(129, 'k'), ""}}, {}, {}}).empty());
  CHECK_FALSE(
      w.refusal(WriteEntity{{}, "a", TextMap{{"k", std::string(513, 'v')}}, {}, {}}).empty());
  CHECK_FALSE(w.refusal(WriteEntity{{}, std::string(513, 'n'), {}, {}, {}}).empty());
  CHECK_FALSE(w.refusal(RemoveEntities{std::vector<EntityId>(10'001)}).empty());
  WriteGroup group;
  group.member_entities = std::vector<EntityId>(10'001);
  CHECK_FALSE(w.refusal(group).empty());
  CHECK(w.store.entities().empty());
}

TEST_CASE("an alias is unique by mount and name, one a mount for each entity") {
  World w;
  const auto alice = w.entity("alice");
  const auto bob = w.entity("bob");
  const auto own = w.alias(alice, "al", kMount);
  struct Row {
    WriteAlias command;
    const char* text;
  };
  const Row rows[] = {
      {{{}, "al2", kMount, true, alice, {}},
       "Alias already exists for requested entity and mount accessor"},
      {{{}, "x", "nowhere", false, alice, {}}, "invalid mount accessor \"nowhere\""},
      {{{}, "x", kOther, true, EntityId{}, {}}, "invalid canonical ID"},
      {{{}, "", kOther, true, alice, {}}, "'id' or 'mount_accessor' and 'name' must be provided"},
      {{AliasId{}, "x", kOther, true, alice, {}}, "invalid alias ID provided"},
      {{own, "", "nowhere", false, {}, {}}, "invalid mount accessor \"nowhere\""},
  };
  for (const auto& row : rows) CHECK(w.refusal(row.command) == row.text);
  // The same factors name the alias that is there: in any case, and it moves to another entity.
  const auto moved = w.run(WriteAlias{{}, "AL", kMount, true, bob, {}});
  REQUIRE(moved.ok());
  CHECK(moved->alias == own);
  CHECK(w.store.entity(alice)->value().aliases.empty());
  CHECK(w.store.entity_of_alias(kMount, "al")->value() == bob);
  const auto second = w.alias(alice, "second", kMount);
  CHECK(w.refusal(WriteAlias{second, "aL", "", true, {}, {}}) ==
        "alias with combination of mount accessor and name already exists");
  CHECK(w.refusal(WriteAlias{second, "", "", true, bob, {}}) ==
        "Alias already exists for requested entity and mount accessor");
  CHECK(w.run(RemoveAlias{own})->events.size() == 1);
  CHECK(w.run(RemoveAlias{own})->events.empty());
  // Without an entity it gets one.
  CHECK(w.run(WriteAlias{{}, "new", kMount, true, {}, {}})->created);
}

TEST_CASE("merging moves aliases, policies, memberships and what was merged before") {
  World w;
  const auto a = w.entity("a");
  const auto b = w.entity("b");
  const auto c = w.entity("c");
  w.must(WriteEntity{b, {}, {}, {{"of-b"}}, {}});
  const auto alias_b = w.alias(b, "b", kMount);
  w.alias(c, "c", kOther);
  const auto group = w.group("g", {b});
  REQUIRE(w.refusal(MergeEntities{{c}, b, false, {}}).empty());
  REQUIRE(w.refusal(MergeEntities{{b}, a, false, {}}).empty());
  const auto merged = **w.store.entity(a);
  CHECK(merged.policies == std::vector<std::string>{"of-b"});
  CHECK(merged.aliases.size() == 2);
  CHECK(find_if(merged.aliases.begin(), merged.aliases.end(), [&](const Alias& x) {
          return x.id == alias_b;
        })->merged_from == std::vector<EntityId>{b});
  CHECK(w.store.merged_into(b)->value() == a);
  CHECK(w.store.merged_into(c)->value() == a);
  CHECK(w.store.groups_of(a).value() == std::vector<GroupId>{group});
  CHECK_FALSE(w.store.entity(b)->has_value());
  CHECK(w.refusal(MergeEntities{{}, a, false, {}}) == "missing entity ids to merge from");
  CHECK(w.refusal(MergeEntities{{a}, a, false, {}}) ==
        "to_entity_id should not be present in from_entity_ids");
  CHECK(w.refusal(MergeEntities{{b}, a, false, {}}) == "entity id to merge from is invalid");
  CHECK(w.refusal(MergeEntities{{a}, b, false, {}}) == "entity id to merge to is invalid");
}

TEST_CASE("a merge of two aliases at one mount needs to be told which one stays") {
  for (const bool keep_other : {false, true})
    for (const bool force : {false, true}) {
      World w;
      const auto a = w.entity("a");
      const auto b = w.entity("b");
      const auto of_a = w.alias(a, "a", kMount);
      const auto of_b = w.alias(b, "b", kMount);
      MergeEntities merge{{b}, a, force, {}};
      if (keep_other) merge.aliases_to_keep = {of_b};
      const auto text = w.refusal(merge);
      if (!keep_other && !force) {
        CHECK(text.starts_with("toEntity and at least one fromEntity have aliases"));
        continue;
      }
      CHECK(text.empty());
      const auto aliases = w.store.entity(a)->value().aliases;
      REQUIRE(aliases.size() == 1);
      CHECK(aliases.front().id == (keep_other ? of_b : of_a));
      CHECK(w.store.entity_of_alias(kMount, keep_other ? "a" : "b")->has_value() == false);
    }
}

TEST_CASE("groups: type, members, cycles") {
  World w;
  const auto alice = w.entity("alice");
  const auto inner = w.group("inner", {alice});
  const auto middle = w.group("middle", {}, {inner});
  const auto outer = w.group("outer", {}, {middle});
  CHECK(with_groups_above(w.store, w.store.groups_of(alice).value()).value().size() == 3);
  WriteGroup change;
  change.id = inner;
  change.member_groups = {outer};
  CHECK(w.refusal(change).starts_with("cyclic relationship detected for member group ID"));
  change.member_groups = {inner};
  CHECK(w.refusal(change).ends_with("is same as the ID of the group"));
  change.member_groups = {GroupId{}};
  CHECK(w.refusal(change).starts_with("invalid group ID"));
  change.member_groups.reset();
  change.member_entities = {EntityId{}};
  CHECK(w.refusal(change).starts_with("invalid entity ID"));
  change.member_entities.reset();
  change.type = "external";
  CHECK(w.refusal(change) == "group type cannot be changed");
  change = {};
  change.type = "cosmic";
  CHECK(w.refusal(change) == "invalid group type \"cosmic\"");
  change.type = "external";
  change.member_entities = {alice};
  CHECK(w.refusal(change) == "member entities can't be set manually for external groups");
  change = {};
  change.id = inner;
  change.name = "OUTER";
  CHECK(w.refusal(change) == "group name is already in use");
  change.name.reset();
  change.member_entities = std::vector<EntityId>{};
  CHECK(w.refusal(change).empty());
  CHECK(w.store.groups_of(alice).value().empty());
  w.must(RemoveGroup{std::string("Middle")});
  CHECK(w.store.groups_of(inner).value().empty());
  CHECK(w.store.members(outer).value().groups.empty());
}

TEST_CASE("an external group has one alias, and only such a group has one") {
  World w;
  const auto internal = w.group("internal");
  CHECK(w.refusal(WriteGroupAlias{{}, "x", kMount, true, internal}) ==
        "alias can't be set on an internal group");
  CHECK(w.refusal(WriteGroupAlias{{}, "", kMount, true, {}}) == "missing alias name");
  CHECK(w.refusal(WriteGroupAlias{{}, "x", "", true, {}}) == "missing mount_accessor");
  CHECK(w.refusal(WriteGroupAlias{{}, "x", "no", false, {}}) == "invalid mount accessor \"no\"");
  const auto first = w.run(WriteGroupAlias{{}, "admins", kMount, true, {}});
  REQUIRE(first.ok());
  CHECK(first->created);
  CHECK(w.store.group(first->group)->value().external);
  const auto second = w.external("staff", kMount);
  CHECK(w.refusal(WriteGroupAlias{{}, "more", kMount, true, second}) ==
        "group already has an alias");
  CHECK(w.refusal(WriteGroupAlias{first->alias, "staff", kMount, true, {}}) ==
        "alias with combination of mount accessor and name already exists");
  CHECK(w.run(WriteGroupAlias{first->alias, "Admins", kMount, true, {}})->alias == first->alias);
  w.must(RemoveGroupAlias{first->alias});
  CHECK_FALSE(w.store.group_of_alias(kMount, "admins")->has_value());
}

TEST_CASE("a login finds or makes its entity and follows the groups of its own mount only") {
  World w;
  const auto login = [&](LoginSubject subject) {
    auto decision =
        decide_login(w.store, subject,
                     {w.fresh_id<EntityId>(), w.fresh_id<GroupId>(), w.fresh_id<AliasId>()}, w.now);
    REQUIRE(decision.ok());
    for (const auto& event : decision->events) REQUIRE(w.store.apply(event).ok());
    return *decision;
  };
  const auto admins = w.external("admins", kMount);
  const auto staff = w.external("staff", kMount);
  const auto elsewhere = w.external("admins-there", kOther);
  CHECK(login({kMount, "al", {}, {}, false}).entity.is_zero());
  const auto first = login({kMount, "al", {{"role", "ci"}}, {{"admins", "unknown"}}, true});
  CHECK_FALSE(first.entity.is_zero());
  CHECK(first.events.size() == 2);
  const auto second = login({kMount, "AL", {{"role", "ci"}}, {{"admins"}}, true});
  CHECK(second.entity == first.entity);
  CHECK(second.events.empty());
  REQUIRE(w.store.apply(GroupMembersChanged{elsewhere, {first.entity}, {}, {}, {}}).ok());
  const auto own = w.group("own", {first.entity});
  login({kMount, "al", {{"role", "cd"}}, {{"staff"}}, true});
  CHECK(w.store.entity(first.entity)->value().aliases.front().metadata == TextMap{{"role", "cd"}});
  auto groups = w.store.groups_of(first.entity).value();
  std::vector<GroupId> expected{staff, elsewhere, own};
  std::sort(expected.begin(), expected.end());
  CHECK(groups == expected);
  // A method that says nothing of groups leaves them.
  CHECK(login({kMount, "al", {{"role", "cd"}}, {}, true}).events.empty());
  login({kMount, "al", {{"role", "cd"}}, std::vector<std::string>{}, true});
  CHECK(w.store.members(staff).value().entities.empty());
  CHECK(w.store.members(admins).value().entities.empty());
  w.must(WriteEntity{first.entity, {}, {}, {}, true});
  CHECK(decide_login(w.store, {kMount, "al", {}, {}, true}, {}, w.now).error().code ==
        ErrorCode::permission_denied);
}

}  // namespace
}  // namespace coffer::identity
