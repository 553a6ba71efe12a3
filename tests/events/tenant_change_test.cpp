// What may change on a mount that is there: its version and its place. And token roles.
#include <doctest/doctest.h>

#include "events/tenant/tenant_decider.h"

namespace coffer::tenant {
namespace {

constexpr Timestamp kNow{1'790'000'000'000'000'000};
constexpr auto kBad = ErrorCode::invalid_argument;
const MigrationId kMove{{7}};

TenantState apply(TenantState state, const Command& command) {
  auto events = decide(state, command, kNow);
  REQUIRE(events.ok());
  for (const auto& event : *events) {
    auto next = evolve(std::move(state), event);
    REQUIRE(next.ok());
    state = std::move(next).value();
  }
  return state;
}

void check_refused(const TenantState& state, const Command& command, ErrorCode code,
                   const std::string& message) {
  CAPTURE(message);
  const auto events = decide(state, command, kNow);
  REQUIRE_FALSE(events.ok());
  CHECK(events.error() == fail(code, message));
}

TenantState with_mount(TenantState state, std::string path, std::string type, TextMap options) {
  EnableMount command;
  command.id = MountId{{static_cast<std::uint8_t>(path.size())}};
  command.path = std::move(path);
  command.type = std::move(type);
  command.accessor_suffix = "1a2b3c4d";
  command.options = std::move(options);
  return apply(std::move(state), command);
}

// old/ and older/ are of version 1, team/kv/ is of version 2.
TenantState three_mounts() {
  auto state = apply({}, CreateTenant{{}, "team-a", {}});
  state = with_mount(std::move(state), "old", "kv", {{"x", "y"}});
  state = with_mount(std::move(state), "older", "generic", {});
  return with_mount(std::move(state), "team/kv", "kv", {{"version", "2"}});
}

WriteTokenRole role(std::string name) {
  WriteTokenRole command;
  command.name = std::move(name);
  return command;
}

TEST_CASE("a mount of version 1 becomes one of version 2, and never goes back") {
  const auto before = three_mounts();
  CHECK(decide(before, TuneMount{"old", {}, "1"}, kNow)->empty());
  MountTuning tuning;
  tuning.description = "new";
  const auto state = apply(before, TuneMount{"old", tuning, "2"});
  const auto& mount = state.mounts.at("old/");
  CHECK(mount.is_versioned());
  CHECK(mount.options == TextMap{{"version", "2"}, {"x", "y"}});
  CHECK(mount.settings == secret::MountSettings{});
  CHECK(mount.description == "new");
  CHECK(decide(state, TuneMount{"old", {}, "2"}, kNow)->empty());
  check_refused(state, TuneMount{"old", {}, "1"}, kBad, "cannot downgrade mount from version 2");
  check_refused(before, TuneMount{"older", {}, "2"}, kBad,
                "a mount of type \"generic\" has no version 2");
  check_refused(before, TuneMount{"old", {}, "3"}, kBad,
                "unable to convert version 3 to a supported one");
}

TEST_CASE("version 1 has no settings to change") {
  check_refused(three_mounts(), ChangeMountSettings{"old", 5, {}, {}}, kBad,
                "the mount has no settings of version 2");
}

TEST_CASE("a moved mount is the same mount elsewhere") {
  const auto before = three_mounts();
  CHECK(*decide(before, MoveMount{"/old", "new/place", kMove}, kNow) ==
        std::vector<Event>{MountMoved{"old/", "new/place/", MountId{{3}}, kMove}});
  const auto state = apply(before, MoveMount{"old/", "new/place/", kMove});
  CHECK_FALSE(state.mounts.contains("old/"));
  auto expected = before.mounts.at("old/");
  expected.path = "new/place/";
  expected.moved_from = "old/";
  expected.migration = kMove;
  CHECK(state.mounts.at("new/place/") == expected);
  CHECK(state.find_mount("new/place/a") == &state.mounts.at("new/place/"));
}

TEST_CASE("moves that are refused") {
  struct Row {
    std::string from;
    std::string to;
    std::string message;
  };
  const Row rows[] = {
      {"nope", "new", "no matching mount at \"nope/\""},
      {"old/below", "new", "no matching mount at \"old/below/\""},
      {"old", "older", "path in use at \"older/\""},
      {"old", "team", "path in use at \"team/kv/\""},
      {"old", "team/kv/x", "path in use at \"team/kv/\""},
      {"old", "old", "path in use at \"old/\""},
      {"old", "old/x", "path in use at \"old/\""},
      {"sys", "new", "cannot remount \"sys/\""},
      {"auth/token", "new", "cannot remount \"auth/\""},
      {"old", "cubbyhole/x", "cannot remount to \"cubbyhole/\""},
      {"old", "", "mount path must have 1 to 512 bytes"},
      {"old", "a b", "mount path holds a character that is not allowed"},
  };
  for (const auto& row : rows)
    check_refused(three_mounts(), MoveMount{row.from, row.to, kMove}, kBad, row.message);
}

TEST_CASE("events that do not fit the mounts") {
  const auto state = three_mounts();
  const Event events[] = {MountMoved{"nope/", "new/", {}, kMove},
                          MountMoved{"old/", "older/", {}, kMove}, MountOptionsChanged{"nope/", {}},
                          TokenRoleRemoved{"nobody"}};
  for (const auto& event : events) CHECK(evolve(state, event).error().code == ErrorCode::corrupt);
}

TEST_CASE("a token role is created, changed where something is given, and removed") {
  auto create = role("ci");
  create.allowed_policies = {"a", "b"};
  create.period = Seconds{60};
  auto state = apply(three_mounts(), create);
  token::TokenRole expected;
  expected.allowed_policies = {"a", "b"};
  expected.period = Seconds{60};
  CHECK(state.token_roles.at("ci") == expected);
  CHECK(expected.renewable);
  CHECK(decide(state, create, kNow)->empty());
  CHECK(decide(state, role("ci"), kNow)->empty());

  auto change = role("ci");
  change.disallowed_policies = {"c"};
  change.allowed_policies_glob = {"d*"};
  change.disallowed_policies_glob = {"e*"};
  change.orphan = true;
  change.renewable = false;
  change.no_default_policy = true;
  change.path_suffix = "v-1.2";
  change.period = Seconds{0};
  change.explicit_max_ttl = Seconds{90};
  change.num_uses = 3;
  state = apply(state, change);
  CHECK(state.token_roles.at("ci") ==
        token::TokenRole{
            {"a", "b"}, {"c"}, {"d*"}, {"e*"}, true, false, true, "v-1.2", {}, Seconds{90}, 3});

  state = apply(state, RemoveTokenRole{"ci"});
  CHECK(state.token_roles.empty());
  CHECK(decide(state, RemoveTokenRole{"ci"}, kNow)->empty());
}

TEST_CASE("token roles that are refused") {
  const std::string name = "a role name has 1 to 128 letters, digits, '_', '.' and '-'";
  for (const std::string bad : {"", "-a", "a-", ".a", "a b", "a/b", "\xC3\xA4"})
    check_refused(three_mounts(), role(bad), kBad, name);
  check_refused(three_mounts(), role(std::string(129, 'x')), kBad, name);
  auto command = role("ci");
  command.path_suffix = "a/b";
  check_refused(three_mounts(), command, kBad,
                "given role path suffix contains invalid characters");
  command = role("ci");
  command.period = Seconds{-1};
  check_refused(three_mounts(), command, kBad, "'token_period' cannot be negative");
  command = role("ci");
  command.explicit_max_ttl = Seconds{-1};
  check_refused(three_mounts(), command, kBad, "'token_explicit_max_ttl' cannot be negative");
  command = role("ci");
  command.disallowed_policies_glob = {std::string(kTokenRoleBytesMax, 'x')};
  check_refused(three_mounts(), command, kBad, "a token role has at most 65536 bytes");
}

TEST_CASE("the number of token roles is bounded") {
  auto state = three_mounts();
  for (std::size_t i = 0; i < kTokenRolesMax; ++i) state.token_roles["r" + std::to_string(i)] = {};
  check_refused(state, role("one-more"), ErrorCode::quota_exceeded, "at most 1000 token roles");
  auto change = role("r0");
  change.orphan = true;
  CHECK(decide(state, change, kNow).ok());
}

}  // namespace
}  // namespace coffer::tenant
