// Where a version's sealed value is read from: its event, or the row of an older store.
#include <doctest/doctest.h>

#include "actors/append_builder.h"
#include "actors/sealed_value.h"
#include "events/log/memory_log.h"
#include "events/log/state_keys.h"
#include "hsm/data_key_cache.h"
#include "tests/actors/vault_client.h"
#include "tests/support/seeded_random.h"

using namespace coffer;
using namespace coffer::testing;

namespace {

// A tenant with opened keys and an empty log.
struct Tenant {
  Tenant() : keys(TenantId::from_bytes(Bytes(16, 7)), key(1), key(2), arena, random) {}

  actors::TenantKeys::OpenKey key(std::uint8_t number) {
    return {KeyId::from_bytes(Bytes(16, number)), *arena->store(Bytes(32, number))};
  }
  // One event of a written version, with its row.
  void write(const SecretId& secret, VersionNumber version, const Bytes& sealed) {
    secret::SecretVersionWritten written;
    written.version = version;
    written.sealed_value = sealed;
    auto event = actors::seal_events(keys, secret.view(), {secret::Event{written}}, Timestamp{1},
                                     random_id<Id128<codec::CommandTag>>(random));
    REQUIRE(event.ok());
    std::vector<log::Append> batch(1);
    batch.front().event = std::move(*event);
    batch.front().changes.push_back(actors::sealed_value_row(row(secret, version)));
    REQUIRE(log.append(batch).ok());
  }
  void put(Bytes key, std::optional<Bytes> value) {
    std::vector<log::Append> batch(1);
    batch.front().changes.push_back({log::Family::values, std::move(key), std::move(value), false});
    REQUIRE(log.append(batch).ok());
  }
  Bytes row(const SecretId& secret, VersionNumber version) const {
    return log::value_row(keys.tenant(), MountId{}, secret, version);
  }
  Result<Bytes> read(const SecretId& secret, VersionNumber version) const {
    return actors::read_sealed_value(log, keys, secret, version, row(secret, version));
  }

  SeededRandom random{1};
  std::string warning;
  std::shared_ptr<hsm::LockedArena> arena = hsm::LockedArena::create(64, warning);
  log::MemoryLog log{Nonce128{}};
  actors::TenantKeys keys;
};

const auto kFirst = SecretId::from_bytes(Bytes(16, 10));
const auto kSecond = SecretId::from_bytes(Bytes(16, 11));

}  // namespace

TEST_CASE("sealed value: read from its event") {
  Tenant tenant;
  tenant.write(kFirst, 1, Bytes(40, 1));
  tenant.write(kSecond, 1, Bytes(40, 2));
  tenant.write(kFirst, 2, Bytes(40, 3));
  CHECK(*tenant.read(kFirst, 1) == Bytes(40, 1));
  CHECK(*tenant.read(kSecond, 1) == Bytes(40, 2));
  CHECK(*tenant.read(kFirst, 2) == Bytes(40, 3));
}

TEST_CASE("sealed value: the row of an older store is the value") {
  Tenant tenant;
  tenant.put(tenant.row(kFirst, 1), Bytes(40, 9));
  CHECK(*tenant.read(kFirst, 1) == Bytes(40, 9));
}

TEST_CASE("sealed value: a row that does not lead to the version is corrupt, never another value") {
  Tenant tenant;
  tenant.write(kFirst, 1, Bytes(40, 1));
  tenant.write(kSecond, 1, Bytes(40, 2));
  tenant.write(kFirst, 2, Bytes(40, 3));
  const auto reference = [](std::uint64_t sequence) { return log::stamp(sequence, {}); };
  struct Case {
    const char* name;
    std::optional<Bytes> row;
  };
  const Case cases[] = {{"no row", std::nullopt},
                        {"too short", Bytes(3, 1)},
                        {"of another secret", reference(2)},
                        {"of another version", reference(3)},
                        {"behind the end", reference(4)},
                        {"before the beginning", reference(0)}};
  for (const auto& one : cases) {
    CAPTURE(one.name);
    tenant.put(tenant.row(kFirst, 1), one.row);
    const auto got = tenant.read(kFirst, 1);
    REQUIRE_FALSE(got.ok());
    CHECK(got.error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("sealed value: the store holds a written value once") {
  VaultClient client(1);
  client.write("s", "{\"k\":\"v\"}");
  client.world.settle();
  const auto rows = client.world.log().scan(log::Family::values, {}, {}, 10);
  REQUIRE(rows.ok());
  REQUIRE(rows->size() == 1);
  CHECK(rows->front().value.size() == 8);
}
