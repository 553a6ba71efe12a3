// How events change a secret, which events do not fit, and which keys leave the key store.
#include "events/secret/secret_state.h"

#include <doctest/doctest.h>

#include "events/secret/secret_decider.h"

using namespace coffer;
using namespace coffer::secret;

namespace {

const MountId kMount{{1}};
constexpr Timestamp kCreated{100};

KeyId key(VersionNumber number) {
  return KeyId{{static_cast<std::uint8_t>(number)}};
}

SecretVersionWritten written(VersionNumber version, VersionNumber oldest = 0) {
  SecretVersionWritten event;
  event.version = version;
  event.created_time = Timestamp{100 + static_cast<std::int64_t>(version)};
  event.data_key = key(version);
  event.oldest_version = oldest;
  return event;
}

SecretState apply(const std::vector<Event>& events) {
  SecretState state;
  for (const auto& event : events) {
    auto next = evolve(std::move(state), event);
    REQUIRE(next.ok());
    state = std::move(*next);
  }
  return state;
}

const SecretCreated kCreation{kMount, "app/db", kCreated};

// Version 1 deleted, 2 destroyed, 3 live.
const std::vector<Event> kMixed = {kCreation,
                                   written(1),
                                   written(2),
                                   written(3),
                                   SecretVersionsDeleted{{1}, {200}},
                                   SecretVersionsDestroyed{{2}}};

const SecretMetadataChanged kAllMetadata{7, true, Seconds{5}, CustomMetadata{{"a", "b"}}, {300}};

using Keys = std::vector<std::pair<VersionNumber, KeyId>>;

}  // namespace

TEST_CASE("a created secret has metadata and no version") {
  const auto state = apply({kCreation});
  CHECK(state.exists);
  CHECK(state.mount == kMount);
  CHECK(state.path == "app/db");
  CHECK(state.created_time == kCreated);
  CHECK(state.updated_time == kCreated);
  CHECK(state.current_version == 0);
  CHECK(state.versions.empty());
  CHECK(state.find_version(0) == nullptr);
}

TEST_CASE("only a new version moves the time of the update") {
  auto state = apply(kMixed);
  CHECK(state.created_time == kCreated);
  CHECK(state.updated_time == Timestamp{103});
  state = *evolve(state, kAllMetadata);
  CHECK(state.updated_time == Timestamp{103});
  CHECK(state.max_versions == 7);
  CHECK(state.cas_required);
  CHECK(state.delete_version_after == Seconds{5});
  CHECK(state.custom_metadata == CustomMetadata{{"a", "b"}});
}

TEST_CASE("metadata that is not set stays") {
  const auto state =
      apply({kCreation, kAllMetadata, SecretMetadataChanged{{}, false, {}, {}, {400}}});
  CHECK(state.max_versions == 7);
  CHECK_FALSE(state.cas_required);
  CHECK(state.delete_version_after == Seconds{5});
  CHECK(state.custom_metadata == CustomMetadata{{"a", "b"}});
}

TEST_CASE("destroyed versions stay listed, without key, with their deletion time") {
  const auto state = apply(kMixed);
  REQUIRE(state.versions.size() == 3);
  CHECK(state.versions.at(1) == VersionState{{101}, {200}, false, key(1)});
  CHECK(state.versions.at(2) == VersionState{{102}, {}, true, KeyId{}});
  CHECK(state.versions.at(3) == VersionState{{103}, {}, false, key(3)});
  const auto both = *evolve(state, SecretVersionsDestroyed{{1}});
  CHECK(both.versions.at(1) == VersionState{{101}, {200}, true, KeyId{}});
}

TEST_CASE("finding a version") {
  const auto state = apply(kMixed);
  CHECK(state.find_version(0) == &state.versions.at(3));
  CHECK(state.find_version(2) == &state.versions.at(2));
  CHECK(state.find_version(4) == nullptr);
  const auto dropped = *evolve(state, written(4, 3));
  CHECK(dropped.find_version(2) == nullptr);
  CHECK(dropped.oldest_version == 3);
  CHECK(dropped.versions.size() == 2);
}

TEST_CASE("a version is deleted from its deletion time on") {
  const VersionState version{{1}, {200}, false, key(1)};
  CHECK_FALSE(version.deleted_at({199}));
  CHECK(version.deleted_at({200}));
  CHECK(version.deleted_at({201}));
  CHECK_FALSE(VersionState{}.deleted_at({201}));
}

TEST_CASE("removal leaves nothing") {
  CHECK(apply({kCreation, written(1), SecretRemoved{{300}}}) == SecretState{});
}

TEST_CASE("events that do not fit are a corrupt log") {
  struct Misfit {
    const char* name;
    std::vector<Event> given;
    Event event;
  };
  auto keyless = written(1);
  keyless.data_key = KeyId{};
  const std::vector<Event> two = {kCreation, written(1), written(2)};
  const std::vector<Event> dropped = {kCreation, written(1), written(2, 2)};
  const Misfit rows[] = {
      {"created twice", {kCreation}, kCreation},
      {"version of an unknown secret", {}, written(1)},
      {"version skipped", {kCreation}, written(2)},
      {"version repeated", two, written(2)},
      {"version 0", {kCreation}, written(0)},
      {"version without key", {kCreation}, keyless},
      {"oldest version goes back", dropped, written(3, 1)},
      {"oldest version forgotten", dropped, written(3, 0)},
      {"oldest version beyond the new one", two, written(3, 4)},
      {"deleted: unknown secret", {}, SecretVersionsDeleted{{1}, {200}}},
      {"deleted: unknown version", two, SecretVersionsDeleted{{3}, {200}}},
      {"deleted: dropped version", dropped, SecretVersionsDeleted{{1}, {200}}},
      {"deleted: no versions", two, SecretVersionsDeleted{{}, {200}}},
      {"deleted: not ascending", two, SecretVersionsDeleted{{2, 1}, {200}}},
      {"deleted: repeated", two, SecretVersionsDeleted{{1, 1}, {200}}},
      {"deleted: version 0", two, SecretVersionsDeleted{{0}, {200}}},
      {"deleted: no time", two, SecretVersionsDeleted{{1}, {}}},
      {"deleted: deleted before", kMixed, SecretVersionsDeleted{{1}, {300}}},
      {"deleted: destroyed before", kMixed, SecretVersionsDeleted{{2}, {300}}},
      {"undeleted: destroyed before", kMixed, SecretVersionsUndeleted{{2}, {}}},
      {"undeleted: unknown version", kMixed, SecretVersionsUndeleted{{4}, {}}},
      {"undeleted: no versions", kMixed, SecretVersionsUndeleted{{}, {}}},
      {"destroyed: destroyed before", kMixed, SecretVersionsDestroyed{{2}}},
      {"destroyed: unknown version", kMixed, SecretVersionsDestroyed{{4}}},
      {"destroyed: no versions", kMixed, SecretVersionsDestroyed{{}}},
      {"metadata of an unknown secret", {}, SecretMetadataChanged{1, {}, {}, {}, {1}}},
      {"metadata without field", {kCreation}, SecretMetadataChanged{{}, {}, {}, {}, {1}}},
      {"removed: unknown secret", {}, SecretRemoved{{1}}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto next = evolve(apply(row.given), row.event);
    REQUIRE_FALSE(next.ok());
    CHECK(next.error().code == ErrorCode::corrupt);
    CHECK(next.error().message.find("app/db") == std::string::npos);
  }
}

TEST_CASE("keys that leave the key store") {
  const auto mixed = apply(kMixed);
  struct Row {
    const char* name;
    Event event;
    Keys keys;
  };
  const Row rows[] = {
      {"a write that drops nothing", written(4), {}},
      {"a write drops old versions, the destroyed one has no key any more",
       written(4, 4),
       {{1, key(1)}, {3, key(3)}}},
      {"a write drops the first version only", written(4, 2), {{1, key(1)}}},
      {"deleting keeps the key", SecretVersionsDeleted{{3}, {300}}, {}},
      {"undeleting keeps the key", SecretVersionsUndeleted{{1}, {}}, {}},
      {"destroying", SecretVersionsDestroyed{{1, 3}}, {{1, key(1)}, {3, key(3)}}},
      {"metadata", SecretMetadataChanged{1, {}, {}, {}, {300}}, {}},
      {"removing takes all that are left", SecretRemoved{{300}}, {{1, key(1)}, {3, key(3)}}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(keys_destroyed_by(mixed, row.event) == row.keys);
  }
  CHECK(keys_destroyed_by({}, kCreation).empty());
}
