// The rules of KV version 2, one row one case: given these commands, when one comes, then what.
#include "events/secret/secret_decider.h"

#include <doctest/doctest.h>

#include <limits>

using namespace coffer;
using namespace coffer::secret;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
const MountId kMount{{1}};
const std::string kPath = "app/db";

// Step n of a row happens at second 1000 + n.
Timestamp at(std::int64_t step) {
  return {(1000 + step) * kSecond};
}
KeyId key(std::uint8_t number) {
  return KeyId{{number}};
}

// The value is sealed for the version that the row names; its key bears the same number.
WriteVersion write(VersionNumber version, std::optional<std::uint64_t> cas = std::nullopt) {
  WriteVersion command;
  command.mount = kMount;
  command.path = kPath;
  command.version = version;
  command.cas = cas;
  command.data_key = key(static_cast<std::uint8_t>(version));
  command.sealed_value = {0xAB, static_cast<std::uint8_t>(version)};
  return command;
}
WriteVersion patch(VersionNumber version, std::optional<std::uint64_t> cas = std::nullopt) {
  auto command = write(version, cas);
  command.patched = true;
  return command;
}
ChangeMetadata metadata() {
  return {kMount, kPath, {}, {}, {}, {}, false};
}
ChangeMetadata max_versions(std::uint32_t max) {
  return {kMount, kPath, max, {}, {}, {}, false};
}
ChangeMetadata require_cas(bool required) {
  return {kMount, kPath, {}, required, {}, {}, false};
}
ChangeMetadata delete_after(std::int64_t seconds) {
  return {kMount, kPath, {}, {}, Seconds{seconds}, {}, false};
}
ChangeMetadata custom(CustomMetadata map, bool must_exist = false) {
  return {kMount, kPath, {}, {}, {}, std::move(map), must_exist};
}
ChangeMetadata only_if_exists(ChangeMetadata command) {
  command.must_exist = true;
  return command;
}

using Commands = std::vector<Command>;

Commands writes(VersionNumber n) {
  Commands commands;
  for (VersionNumber version = 1; version <= n; ++version) commands.push_back(write(version));
  return commands;
}
Commands operator+(Commands commands, Commands more) {
  commands.insert(commands.end(), more.begin(), more.end());
  return commands;
}

SecretCreated created(std::int64_t step) {
  return {kMount, kPath, at(step)};
}
SecretVersionWritten written(VersionNumber version, std::int64_t step, VersionNumber oldest = 0,
                             Timestamp deletion_time = {}) {
  const auto command = write(version);
  return {version, at(step), deletion_time, command.data_key, {}, command.sealed_value,
          oldest,  false};
}
SecretVersionWritten patched(VersionNumber version, std::int64_t step) {
  auto event = written(version, step);
  event.patched = true;
  return event;
}
SecretMetadataChanged changed(const ChangeMetadata& command, std::int64_t step) {
  return {command.max_versions, command.cas_required, command.delete_version_after,
          command.custom_metadata, at(step)};
}

SecretState apply(SecretState state, const std::vector<Event>& events) {
  for (const auto& event : events) {
    auto next = evolve(std::move(state), event);
    REQUIRE(next.ok());
    state = std::move(*next);
  }
  return state;
}

SecretState given_state(const Commands& given, const MountSettings& mount) {
  SecretState state;
  std::int64_t step = 0;
  for (const auto& command : given) {
    const auto events = decide(state, command, {at(step++), mount});
    REQUIRE(events.ok());
    state = apply(std::move(state), *events);
  }
  return state;
}

struct Row {
  const char* name;
  Commands given;
  Command when;
  std::vector<Event> then;
  MountSettings mount = {};
};

Result<std::vector<Event>> decide_after(const Commands& given, const Command& when,
                                        const MountSettings& mount) {
  const auto step = static_cast<std::int64_t>(given.size());
  return decide(given_state(given, mount), when, {at(step), mount});
}

// The events of `when` are `then`, and they fit the state.
void check(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto events = decide_after(row.given, row.when, row.mount);
    REQUIRE(events.ok());
    CHECK(*events == row.then);
    apply(given_state(row.given, row.mount), *events);
  }
}

struct Refusal {
  const char* name;
  Commands given;
  Command when;
  ErrorCode code;
  const char* message;
  MountSettings mount = {};
};

void check(const std::vector<Refusal>& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto events = decide_after(row.given, row.when, row.mount);
    REQUIRE_FALSE(events.ok());
    CHECK(events.error() == fail(row.code, row.message));
  }
}

constexpr const char* kCasMismatch = "check-and-set parameter did not match the current version";
constexpr const char* kCasRequired = "check-and-set parameter required for this call";
const MountSettings kCasMount{0, true, Seconds{0}};
const MountSettings kThreeVersions{3, false, Seconds{0}};
const MountSettings kDeleteAfterMinute{0, false, Seconds{60}};
const MountSettings kDeleteAfterOff{0, false, Seconds{-1}};

}  // namespace

TEST_CASE("writes that are accepted") {
  check(std::vector<Row>{
      {"the first write creates the secret", {}, write(1), {created(0), written(1, 0)}},
      {"the next write only adds a version", writes(1), write(2), {written(2, 1)}},
      {"cas 0 creates", {}, write(1, 0), {created(0), written(1, 0)}},
      {"cas 0 is right for a secret with metadata only",
       {max_versions(3)},
       write(1, 0),
       {written(1, 1)}},
      {"cas equal to the current version", writes(2), write(3, 2), {written(3, 2)}},
      {"a deleted current version does not stop a write",
       {write(1), DeleteCurrentVersion{}},
       write(2),
       {written(2, 2)}},
      {"a destroyed current version does not stop a write",
       {write(1), DestroyVersions{{1}}},
       write(2, 1),
       {written(2, 2)}},
      {"after removal numbering starts again",
       writes(3) + Commands{RemoveSecret{}},
       write(1, 0),
       {created(4), written(1, 4)}},
      {"a patch is a write that says so", writes(1), patch(2, 1), {patched(2, 1)}},
      {"cas satisfies a mount that requires it",
       {},
       write(1, 0),
       {created(0), written(1, 0)},
       kCasMount},
  });
}

TEST_CASE("writes that are refused") {
  using enum ErrorCode;
  const Commands deleted = {write(1), DeleteCurrentVersion{}};
  const Commands destroyed = {write(1), DestroyVersions{{1}}};
  auto elsewhere = write(2);
  elsewhere.path = "app/other";
  auto other_mount = write(2);
  other_mount.mount = MountId{{2}};
  auto keyless = write(1);
  keyless.data_key = KeyId{};
  check(std::vector<Refusal>{
      {"stale cas", writes(2), write(3, 1), cas_mismatch, kCasMismatch},
      {"cas of a version that is not there yet", writes(2), write(3, 3), cas_mismatch,
       kCasMismatch},
      {"cas 0 while the secret exists", writes(1), write(2, 0), cas_mismatch, kCasMismatch},
      {"cas 0 while the only version is deleted", deleted, write(2, 0), cas_mismatch, kCasMismatch},
      {"cas above 0 for an unknown secret", {}, write(1, 1), cas_mismatch, kCasMismatch},
      {"the largest cas", writes(1), write(2, std::numeric_limits<std::uint64_t>::max()),
       cas_mismatch, kCasMismatch},
      {"no cas while the mount requires it", {}, write(1), cas_required, kCasRequired, kCasMount},
      {"no cas while the secret requires it",
       {require_cas(true)},
       write(1),
       cas_required,
       kCasRequired},
      {"a secret cannot lift the requirement of its mount",
       {require_cas(false)},
       write(1),
       cas_required,
       kCasRequired,
       kCasMount},
      {"sealed for a later version", writes(1), write(3), unavailable,
       "the value was sealed for another version"},
      {"sealed for the current version", writes(1), write(1), unavailable,
       "the value was sealed for another version"},
      {"cas is looked at before the sealed version", writes(2), write(2, 1), cas_mismatch,
       kCasMismatch},
      {"patch of an unknown secret, cas or not", {}, patch(1), not_found, "", kCasMount},
      {"patch of a secret without versions", {max_versions(3)}, patch(1), not_found, ""},
      {"patch of a deleted version", deleted, patch(2, 1), not_found, ""},
      {"patch of a destroyed version", destroyed, patch(2, 1), not_found, ""},
      {"patch of a deleted version with stale cas", deleted, patch(2, 7), cas_mismatch,
       kCasMismatch},
      {"a command for another path", writes(1), elsewhere, internal,
       "the command is addressed to another secret"},
      {"a command for another mount", writes(1), other_mount, internal,
       "the command is addressed to another secret"},
      {"no data key", {}, keyless, internal, "no data key"},
  });
}

TEST_CASE("number of versions kept") {
  const Commands own_two = {max_versions(2)};
  const MountSettings five{5, false, Seconds{0}};
  const MountSettings all{std::numeric_limits<std::uint32_t>::max(), false, Seconds{0}};
  check(std::vector<Row>{
      {"ten by default: the tenth drops nothing", writes(9), write(10), {written(10, 9)}},
      {"ten by default: the eleventh drops the first", writes(10), write(11), {written(11, 10, 2)}},
      {"the mount's setting", writes(3), write(4), {written(4, 3, 2)}, kThreeVersions},
      {"the secret's setting", own_two + writes(2), write(3), {written(3, 3, 2)}},
      {"the mount's larger setting wins", own_two + writes(4), write(5), {written(5, 5)}, five},
      {"the secret's larger setting wins",
       Commands{max_versions(5)} + writes(4),
       write(5),
       {written(5, 5)},
       kThreeVersions},
      {"a lowered limit drops several at the next write",
       writes(6) + Commands{max_versions(2)},
       write(7),
       {written(7, 7, 6)}},
      {"a raised limit brings nothing back",
       own_two + writes(4) + Commands{max_versions(9)},
       write(5),
       {written(5, 6, 3)}},
      {"a raised limit that is reached brings nothing back either",
       own_two + writes(6) + Commands{max_versions(5)},
       write(7),
       {written(7, 8, 5)}},
      {"one version", {max_versions(1), write(1)}, write(2), {written(2, 2, 2)}},
      {"the largest limit", writes(12), write(13), {written(13, 12)}, all},
  });
}

TEST_CASE("expiry of new versions") {
  const auto in = [](std::int64_t step, int seconds) { return at(step) + Seconds{seconds}; };
  check(std::vector<Row>{
      {"of the mount", {}, write(1), {created(0), written(1, 0, 0, in(0, 60))}, kDeleteAfterMinute},
      {"of the secret", {delete_after(30)}, write(1), {written(1, 1, 0, in(1, 30))}},
      {"the secret's is smaller",
       {delete_after(30)},
       write(1),
       {written(1, 1, 0, in(1, 30))},
       kDeleteAfterMinute},
      {"the mount's is smaller",
       {delete_after(90)},
       write(1),
       {written(1, 1, 0, in(1, 60))},
       kDeleteAfterMinute},
      {"cleared on the secret: the mount's",
       {delete_after(30), delete_after(0)},
       write(1),
       {written(1, 2, 0, in(2, 60))},
       kDeleteAfterMinute},
      {"switched off for the mount",
       {delete_after(30)},
       write(1),
       {written(1, 1)},
       kDeleteAfterOff},
      {"too far away to represent: never wraps into the past",
       {delete_after(std::numeric_limits<std::int64_t>::max())},
       write(1),
       {written(1, 1, 0, {std::numeric_limits<std::int64_t>::max()})}},
  });
}

TEST_CASE("deleting versions") {
  check(std::vector<Row>{
      {"the current version",
       writes(2),
       DeleteCurrentVersion{},
       {SecretVersionsDeleted{{2}, at(2)}}},
      {"the current version of an unknown secret", {}, DeleteCurrentVersion{}, {}},
      {"the current version of a secret without versions",
       {max_versions(1)},
       DeleteCurrentVersion{},
       {}},
      {"the current version once more",
       {write(1), DeleteCurrentVersion{}},
       DeleteCurrentVersion{},
       {}},
      {"the current version, destroyed",
       {write(1), DestroyVersions{{1}}},
       DeleteCurrentVersion{},
       {}},
      {"listed versions, ascending and each once",
       writes(3),
       DeleteVersions{{3, 1, 3}},
       {SecretVersionsDeleted{{1, 3}, at(3)}}},
      {"unknown versions are skipped, 0 too",
       writes(1),
       DeleteVersions{{0, 1, 2, 99}},
       {SecretVersionsDeleted{{1}, at(1)}}},
      {"only unknown versions", writes(1), DeleteVersions{{0, 2}}, {}},
      {"no versions", writes(1), DeleteVersions{{}}, {}},
      {"an unknown secret", {}, DeleteVersions{{1}}, {}},
      {"dropped versions are unknown",
       Commands{max_versions(1)} + writes(2),
       DeleteVersions{{1}},
       {}},
      {"deleted and destroyed ones are skipped",
       writes(3) + Commands{DeleteVersions{{1}}, DestroyVersions{{2}}},
       DeleteVersions{{1, 2, 3}},
       {SecretVersionsDeleted{{3}, at(5)}}},
      {"a version that would expire later is deleted now",
       {delete_after(60), write(1)},
       DeleteVersions{{1}},
       {SecretVersionsDeleted{{1}, at(2)}}},
      {"an expired version is deleted already",
       {delete_after(1), write(1)},
       DeleteCurrentVersion{},
       {}},
  });
}

TEST_CASE("undeleting versions") {
  const Commands deleted = {write(1), DeleteCurrentVersion{}};
  check(std::vector<Row>{
      {"makes them live again", deleted, UndeleteVersions{{1}}, {SecretVersionsUndeleted{{1}, {}}}},
      {"counts the mount's expiry from now",
       deleted,
       UndeleteVersions{{1}},
       {SecretVersionsUndeleted{{1}, at(2) + Seconds{60}}},
       kDeleteAfterMinute},
      {"counts the secret's expiry from now",
       {delete_after(30), write(1), DeleteCurrentVersion{}},
       UndeleteVersions{{1}},
       {SecretVersionsUndeleted{{1}, at(3) + Seconds{30}}}},
      {"no expiry where the mount switched it off",
       {delete_after(30), write(1), DeleteCurrentVersion{}},
       UndeleteVersions{{1}},
       {SecretVersionsUndeleted{{1}, {}}},
       kDeleteAfterOff},
      {"prolongs a live version that would expire",
       {delete_after(60), write(1)},
       UndeleteVersions{{1}},
       {SecretVersionsUndeleted{{1}, at(2) + Seconds{60}}}},
      {"a live version without expiry stays as it is", writes(1), UndeleteVersions{{1}}, {}},
      {"a destroyed version stays destroyed",
       {write(1), DeleteCurrentVersion{}, DestroyVersions{{1}}},
       UndeleteVersions{{1}},
       {}},
      {"unknown versions are skipped, order and repeats do not matter",
       writes(3) + Commands{DeleteVersions{{1, 2, 3}}},
       UndeleteVersions{{3, 0, 1, 9, 1}},
       {SecretVersionsUndeleted{{1, 3}, {}}}},
      {"an unknown secret", {}, UndeleteVersions{{1}}, {}},
  });
}

TEST_CASE("destroying versions") {
  check(std::vector<Row>{
      {"live ones", writes(2), DestroyVersions{{2, 1}}, {SecretVersionsDestroyed{{1, 2}}}},
      {"deleted ones",
       {write(1), DeleteCurrentVersion{}},
       DestroyVersions{{1}},
       {SecretVersionsDestroyed{{1}}}},
      {"destroyed ones are skipped",
       writes(2) + Commands{DestroyVersions{{1}}},
       DestroyVersions{{1, 2}},
       {SecretVersionsDestroyed{{2}}}},
      {"all destroyed already", {write(1), DestroyVersions{{1}}}, DestroyVersions{{1}}, {}},
      {"unknown ones are skipped", writes(1), DestroyVersions{{0, 5}}, {}},
      {"an unknown secret", {}, DestroyVersions{{1}}, {}},
  });
}

TEST_CASE("changing metadata") {
  const auto map = custom({{"owner", "team-a"}, {"snowman", "\xE2\x98\x83"}});
  auto all = map;
  all.max_versions = 0;
  all.cas_required = false;
  all.delete_version_after = Seconds{0};
  check(std::vector<Row>{
      {"creates the secret", {}, max_versions(3), {created(0), changed(max_versions(3), 0)}},
      {"of a secret with versions", writes(1), map, {changed(map, 1)}},
      {"all fields at once", writes(1), all, {changed(all, 1)}},
      {"an empty map clears", {map}, custom({}), {changed(custom({}), 1)}},
      {"no field creates nothing", {}, metadata(), {}},
      {"no field changes nothing", writes(1), metadata(), {}},
      {"PATCH of a known secret",
       writes(1),
       only_if_exists(max_versions(2)),
       {changed(max_versions(2), 1)}},
      {"PATCH without field", writes(1), only_if_exists(metadata()), {}},
  });
}

TEST_CASE("metadata that is refused") {
  using enum ErrorCode;
  CustomMetadata many;
  for (int i = 0; i < 65; ++i) many["key" + std::to_string(i)] = "v";
  auto elsewhere = max_versions(1);
  elsewhere.path = "app";
  const char* negative =
      "error converting input for field \"delete_version_after\": cannot provide negative value "
      "'-1'";
  check(std::vector<Refusal>{
      {"PATCH of an unknown secret", {}, only_if_exists(max_versions(2)), not_found, ""},
      {"PATCH of an unknown secret without field", {}, only_if_exists(metadata()), not_found, ""},
      {"PATCH of a removed secret",
       {write(1), RemoveSecret{}},
       only_if_exists(max_versions(2)),
       not_found,
       ""},
      {"negative expiry", {}, delete_after(-1), invalid_argument, negative},
      {"negative expiry in a PATCH", writes(1), only_if_exists(delete_after(-1)), invalid_argument,
       negative},
      {"too many keys",
       {},
       custom(many),
       invalid_argument,
       "custom_metadata validation failed: payload must contain at most 64 keys, provided 65"},
      {"a command for another path", writes(1), elsewhere, internal,
       "the command is addressed to another secret"},
  });
  // Of a PATCH only the payload is counted: see secret_metadata_patch_test.cpp.
  CHECK_FALSE(decide_after(writes(1), custom(many, true), {}).ok());
}

TEST_CASE("removing the secret") {
  check(std::vector<Row>{
      {"with versions", writes(2), RemoveSecret{}, {SecretRemoved{at(2)}}},
      {"with metadata only", {max_versions(1)}, RemoveSecret{}, {SecretRemoved{at(1)}}},
      {"unknown", {}, RemoveSecret{}, {}},
      {"removed already", {write(1), RemoveSecret{}}, RemoveSecret{}, {}},
  });
  CHECK(given_state({max_versions(4), write(1), RemoveSecret{}}, {}) == SecretState{});
}

TEST_CASE("without a time nothing is decided") {
  CHECK(decide({}, write(1), {}).error().code == ErrorCode::internal);
}
