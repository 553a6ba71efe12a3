// A tenant's key references: made once, then the tenant key rotates, one rotation at a time.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "events/keyring/keyring.h"

namespace coffer::keyring {
namespace {

constexpr Timestamp kNow{1'790'000'000'000'000'000};
constexpr Timestamp kLater{1'790'000'001'000'000'000};

KeyReference key(std::uint8_t n, std::uint8_t blob = 0) {
  return {KeyId{{n}}, Sha256{blob == 0 ? n : blob}};
}
CreateKeyring complete() {
  return {1, key(1), key(2), key(3)};
}
KeyringState created() {
  return {.exists = true,
          .root_epoch = 1,
          .tenant_key = key(1),
          .log_key = key(2),
          .index_key = key(3),
          .installed_time = kNow};
}
RotateTenantKey rotation() {
  return {2, key(4), key(2, 12), key(3, 13), false};
}
KeyringState rotating(std::uint64_t rewrapped = 0) {
  return {.exists = true,
          .root_epoch = 2,
          .tenant_key = key(4),
          .log_key = key(2, 12),
          .index_key = key(3, 13),
          .term = 2,
          .installed_time = kLater,
          .retiring = RetiringKey{1, 1, key(1), kLater, rewrapped}};
}
KeyringState rotated(std::uint64_t rewrapped) {
  auto state = rotating();
  state.retiring.reset();
  state.last_rotation = FinishedRotation{1, kLater, kLater, rewrapped};
  return state;
}

TEST_CASE("commands: given a state, the event and the state after it") {
  struct Row {
    const char* name;
    KeyringState given;
    Command when;
    std::vector<Event> events;
    KeyringState then;
  };
  const Sha256 set{9};
  const Row rows[] = {
      {"create",
       {},
       complete(),
       {KeyringCreated{1, key(1), key(2), key(3), kLater}},
       [] {
         auto s = created();
         s.installed_time = kLater;
         return s;
       }()},
      {"rotate",
       created(),
       rotation(),
       {TenantKeyRotated{2, 2, key(4), key(2, 12), key(3, 13), false, kLater}},
       rotating()},
      {"note",
       rotating(3),
       NoteRewrapped{1, 4, set},
       {TenantKeyRewrapped{1, 4, set, kLater}},
       rotating(7)},
      {"note nothing", rotating(3), NoteRewrapped{1, 0, set}, {}, rotating(3)},
      {"retire",
       rotating(7),
       RetireTenantKey{1},
       {TenantKeyRetired{1, key(1).id, 7, kLater}},
       rotated(7)},
      {"retire with nothing to re-wrap",
       rotating(),
       RetireTenantKey{1},
       {TenantKeyRetired{1, key(1).id, 0, kLater}},
       rotated(0)},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto events = decide(row.given, row.when, kLater);
    REQUIRE(events.ok());
    CHECK(*events == row.events);
    auto state = row.given;
    for (const auto& event : *events) {
      auto after = evolve(state, event);
      REQUIRE(after.ok());
      state = *after;
    }
    CHECK(state == row.then);
  }
}

TEST_CASE("a keyring without one of its parts is refused") {
  struct Row {
    const char* lacks;
    void (*take)(CreateKeyring&);
  };
  const Row rows[] = {
      {"root epoch", [](CreateKeyring& c) { c.root_epoch = 0; }},
      {"tenant key", [](CreateKeyring& c) { c.tenant_key.id = {}; }},
      {"log key", [](CreateKeyring& c) { c.log_key.id = {}; }},
      {"index key", [](CreateKeyring& c) { c.index_key.id = {}; }},
  };
  for (const auto& row : rows) {
    CAPTURE(row.lacks);
    auto command = complete();
    row.take(command);
    const auto events = decide({}, command, kNow);
    REQUIRE_FALSE(events.ok());
    CHECK(events.error().code == ErrorCode::internal);
  }
}

TEST_CASE("commands that do not fit are refused") {
  auto same_key = rotation();
  same_key.tenant_key = key(1);
  auto no_epoch = rotation();
  no_epoch.root_epoch = 0;
  auto other_log_key = rotation();
  other_log_key.log_key = key(5);
  auto other_index_key = rotation();
  other_index_key.index_key = key(5);
  struct Row {
    const char* name;
    KeyringState given;
    Command when;
    ErrorCode code;
  };
  const Row rows[] = {
      {"created twice", created(), complete(), ErrorCode::already_exists},
      {"nothing to rotate", {}, rotation(), ErrorCode::internal},
      {"a second rotation", rotating(), rotation(), ErrorCode::invalid_argument},
      {"the same key", created(), same_key, ErrorCode::internal},
      {"no root epoch", created(), no_epoch, ErrorCode::internal},
      {"another log key", created(), other_log_key, ErrorCode::internal},
      {"another index key", created(), other_index_key, ErrorCode::internal},
      {"re-wrapped outside a rotation", created(), NoteRewrapped{1, 1, {}}, ErrorCode::internal},
      {"re-wrapped from the new key", rotating(), NoteRewrapped{2, 1, {}}, ErrorCode::internal},
      {"retired outside a rotation", created(), RetireTenantKey{1}, ErrorCode::internal},
      {"the new key retired", rotating(), RetireTenantKey{2}, ErrorCode::internal},
      {"retired twice", rotated(0), RetireTenantKey{1}, ErrorCode::internal},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto events = decide(row.given, row.when, kNow);
    REQUIRE_FALSE(events.ok());
    CHECK(events.error().code == row.code);
  }
}

TEST_CASE("an event that does not fit is a corrupt log") {
  struct Row {
    const char* name;
    KeyringState given;
    Event event;
  };
  const TenantKeyRotated second{2, 2, key(4), key(2), key(3), false, kNow};
  const Row rows[] = {
      {"created twice", created(), KeyringCreated{}},
      {"rotated before it was created", {}, second},
      {"rotated during a rotation", rotating(), second},
      {"a term left out", created(), TenantKeyRotated{3, 2, key(4), key(2), key(3), false, kNow}},
      {"re-wrapped outside a rotation", created(), TenantKeyRewrapped{1, 1, {}, kNow}},
      {"re-wrapped from another term", rotating(), TenantKeyRewrapped{2, 1, {}, kNow}},
      {"retired outside a rotation", created(), TenantKeyRetired{1, key(1).id, 0, kNow}},
      {"another key retired", rotating(), TenantKeyRetired{1, key(4).id, 0, kNow}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(evolve(row.given, row.event).error().code == ErrorCode::corrupt);
  }
}

// Whatever is decided evolves; terms ascend by one; at most one key is on its way out; what is
// retired was active before and never is again.
TEST_CASE("property: any sequence of commands keeps the keyring in order") {
  REQUIRE(rc::check([] {
    auto state = created();
    std::uint8_t next_key = 10;
    std::vector<KeyId> retired;
    for (int i = *rc::gen::inRange(0, 60); i > 0; --i) {
      const auto before = state;
      const auto term = *rc::gen::inRange<KeyTerm>(1, state.term + 2);
      Command command;
      switch (*rc::gen::inRange(0, 3)) {
        case 0: {
          auto rotate = rotation();
          rotate.tenant_key = key(next_key++);
          command = rotate;
          break;
        }
        case 1:
          command = NoteRewrapped{term, *rc::gen::inRange<std::uint64_t>(0, 5), {}};
          break;
        default:
          command = RetireTenantKey{term};
          break;
      }
      const auto events = decide(state, command, kNow);
      if (!events.ok()) continue;
      for (const auto& event : *events) {
        auto after = evolve(state, event);
        RC_ASSERT(after.ok());
        state = *after;
        if (const auto* gone = std::get_if<TenantKeyRetired>(&event)) {
          RC_ASSERT(gone->key == before.retiring->key.id);
          RC_ASSERT(gone->keys == before.retiring->rewrapped);
          retired.push_back(gone->key);
        }
      }
      RC_ASSERT(state.term == before.term || state.term == before.term + 1);
      RC_ASSERT(state.log_key.id == before.log_key.id);
      RC_ASSERT(state.index_key.id == before.index_key.id);
      if (state.retiring) RC_ASSERT(state.retiring->term + 1 == state.term);
      RC_ASSERT(retired.size() + (state.retiring ? 1 : 0) + 1 == state.term);
      RC_ASSERT(std::count(retired.begin(), retired.end(), state.tenant_key.id) == 0);
    }
  }));
}

}  // namespace
}  // namespace coffer::keyring
