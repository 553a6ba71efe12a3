// The key references of a tenant are set once.
#include <doctest/doctest.h>

#include "events/keyring/keyring.h"

namespace coffer::keyring {
namespace {

constexpr Timestamp kNow{1'790'000'000'000'000'000};

KeyReference key(std::uint8_t n) {
  return {KeyId{{n}}, Sha256{n}};
}
CreateKeyring complete() {
  return {1, key(1), key(2), key(3)};
}

TEST_CASE("a keyring is created with its root epoch and three keys") {
  const auto events = decide({}, complete(), kNow);
  REQUIRE(events.ok());
  const KeyringCreated created{1, key(1), key(2), key(3), kNow};
  CHECK(*events == std::vector<Event>{created});
  const auto state = evolve({}, events->front());
  REQUIRE(state.ok());
  CHECK(*state == KeyringState{true, 1, key(1), key(2), key(3)});
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

TEST_CASE("a keyring is never replaced") {
  const KeyringState state{true, 1, key(1), key(2), key(3)};
  CHECK(decide(state, complete(), kNow).error().code == ErrorCode::already_exists);
  CHECK(evolve(state, KeyringCreated{}).error().code == ErrorCode::corrupt);
}

}  // namespace
}  // namespace coffer::keyring
