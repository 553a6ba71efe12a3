// Rotation of a tenant's key when something fails: a crash at any append, actors, HSM, log, damage.
#include "tests/actors/rotation_client.h"

using namespace coffer;
using namespace coffer::testing;

TEST_CASE("rotation: a crash at any append is gone on from") {
  // Appends of a whole rotation, counted first.
  unsigned appends = 0;
  {
    RotationClient client;
    client.write_all(70);
    client.world.set_fault_hook([&](auto) {
      ++appends;
      return log::AppendFault::none;
    });
    client.must_rotate();
    REQUIRE(client.finish());
  }
  REQUIRE(appends >= 5);
  for (unsigned crash_at = 0; crash_at < appends; ++crash_at) {
    for (const auto last : {log::LastBatch::lost, log::LastBatch::kept}) {
      CAPTURE(crash_at);
      CAPTURE(last == log::LastBatch::kept);
      RotationClient client(crash_at + 1);
      client.write_all(70);
      const auto old_key = client.tenant_row().keyring.tenant_key.id;
      unsigned seen = 0;
      bool crashed = false;
      client.world.set_fault_hook([&](auto) {
        if (crashed || seen++ != crash_at) return log::AppendFault::none;
        crashed = true;
        return log::AppendFault::unknown;
      });
      auto answer = client.rotate();
      for (int i = 0; i < 400 && !crashed; ++i) {
        client.world.settle();
        client.world.advance(std::chrono::milliseconds(50));
      }
      REQUIRE(crashed);
      client.restart(last);
      client.check_all(70);
      if (client.status().term == 1) client.must_rotate();  // it was lost, and said so
      REQUIRE(client.finish());
      check_rotated(client, old_key, 2);
      CHECK(client.blobs() == std::map<keyring::KeyTerm, std::size_t>{{2, 70}});
      client.check_all(70);
      CHECK(client.count_events("keyring.tenant_key_retired") == 1);
    }
  }
}

TEST_CASE("rotation: a tenant's actor that crashes goes on where the store is, by itself") {
  unsigned crashes = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    RotationClient client(seed);
    client.write_all(100);
    client.must_rotate();
    client.world.advance(std::chrono::milliseconds(16));
    for (std::uint64_t steps = 0; steps < seed; ++steps) client.world.step();
    bool crashed = client.world.crash_waiting_actor("TenantActor");
    while (!crashed && client.world.step())
      crashed = client.world.crash_waiting_actor("TenantActor");
    crashes += crashed ? 1 : 0;
    // Nobody asks for anything meanwhile.
    for (int i = 0; i < 80; ++i) {
      client.world.settle();
      client.world.vault().tick();
      client.world.advance(std::chrono::seconds(1));
    }
    CHECK(client.blobs() == std::map<keyring::KeyTerm, std::size_t>{{2, 100}});
    client.check_all(100);
    CHECK_FALSE(client.status().rotation->running);
  }
  CHECK(crashes > 5);
}

TEST_CASE("rotation: an HSM or a log that is away for a while only delays it") {
  struct Row {
    const char* what;
    void (*fault)(VaultWorld&);
  };
  const Row rows[] = {
      {"HSM", [](VaultWorld& world) { world.keys().fail_next(5); }},
      {"log",
       [](VaultWorld& world) {
         auto left = std::make_shared<int>(5);
         world.set_fault_hook([left](auto) {
           return --*left >= 0 ? log::AppendFault::unavailable : log::AppendFault::none;
         });
       }},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    RotationClient client;
    client.write_all(100);
    client.must_rotate();
    REQUIRE(client.status().rotation->running);
    row.fault(client.world);
    client.world.advance(std::chrono::milliseconds(20));
    client.world.settle();
    CHECK_FALSE(client.status().rotation->problem.empty());
    REQUIRE(client.finish());
    CHECK(client.blobs() == std::map<keyring::KeyTerm, std::size_t>{{2, 100}});
    client.check_all(100);
  }
}

TEST_CASE("rotation: a new key that cannot be made or stored changes nothing") {
  RotationClient client;
  client.write_all(3);
  const auto before = client.tenant_row();
  client.world.keys().fail_next(1);
  auto answer = client.rotate();
  client.world.settle();
  CHECK((*answer)->error().code == ErrorCode::unavailable);
  bool failed = false;
  client.world.set_fault_hook([&](auto) {
    return std::exchange(failed, true) ? log::AppendFault::none : log::AppendFault::unavailable;
  });
  answer = client.rotate();
  client.world.settle();
  CHECK((*answer)->error().code == ErrorCode::unavailable);
  CHECK(client.tenant_row() == before);
  client.check_all(3);
  client.must_rotate();
  REQUIRE(client.finish());
}

TEST_CASE("rotation: a data key that does not open keeps the old key, and it is said why") {
  RotationClient client;
  client.write_all(5);
  auto damaged = client.rows();
  std::erase_if(damaged, [](const log::Row& row) {
    return MountId::from_bytes(BytesView(row.key).subspan(16, 16)).is_zero();
  });
  REQUIRE(client.world.log().flip_row_bit(log::Family::keys, damaged.front().key, 200));
  client.must_rotate();
  for (int i = 0; i < 50; ++i) {
    client.world.advance(std::chrono::seconds(10));
    client.world.settle();
  }
  const auto status = client.status();
  REQUIRE(status.rotation->running);
  CHECK_FALSE(status.rotation->problem.empty());
  CHECK(status.rotation->rewrapped == 4);
  CHECK(status.rotation->total == 5);
  // Destroying it lets the rotation end.
  for (int i = 0; i < 5; ++i) client.destroy("s" + std::to_string(i), {1});
  client.world.settle();
  for (int i = 0; i < 20; ++i) {
    client.world.advance(std::chrono::seconds(10));
    client.world.settle();
  }
  CHECK_FALSE(client.status().rotation->running);
}
