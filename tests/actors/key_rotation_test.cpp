// Rotation of a tenant's key on the fake HSM: what is readable, what is left in the store, what
// happens between it and the requests beside it.
#include "tests/actors/rotation_client.h"

using namespace coffer;
using namespace coffer::testing;
using actors::parse_data_key_blob;

TEST_CASE("rotation: every data key is re-wrapped, the old key goes, all values stay") {
  RotationClient client;
  client.write_all(40, 3);
  const auto before = client.tenant_row().keyring;
  CHECK(client.blobs() == std::map<keyring::KeyTerm, std::size_t>{{1, 120}});
  client.must_rotate();
  CHECK(client.status().term == 2);
  REQUIRE(client.finish());
  check_rotated(client, before.tenant_key.id, 2);
  CHECK(client.blobs() == std::map<keyring::KeyTerm, std::size_t>{{2, 120}});
  CHECK(client.status().rotation->rewrapped == 120);
  CHECK(client.status().rotation->total == 120);
  client.check_all(40, 3);
  CHECK(client.count_events("keyring.tenant_key_rotated") == 1);
  CHECK(client.count_events("keyring.tenant_key_rewrapped") == 4);
  CHECK(client.count_events("keyring.tenant_key_retired") == 1);
  // Log and index keys are the same keys in another wrapping.
  const auto after = client.tenant_row().keyring;
  CHECK(after.log_key.id == before.log_key.id);
  CHECK(after.log_key.blob_hash != before.log_key.blob_hash);
  CHECK(after.index_key.id == before.index_key.id);
  // And again, from what the store holds.
  client.restart(log::LastBatch::lost);
  client.check_all(40, 3);
  client.must_rotate();
  REQUIRE(client.finish());
  check_rotated(client, after.tenant_key.id, 3);
  client.check_all(40, 3);
}

TEST_CASE("rotation: with nothing to re-wrap the old key goes at once") {
  RotationClient client;
  const auto before = client.tenant_row().keyring.tenant_key.id;
  client.must_rotate();
  REQUIRE(client.finish());
  check_rotated(client, before, 2);
  CHECK(client.count_events("keyring.tenant_key_rewrapped") == 0);
}

TEST_CASE("rotation: a second one is refused while the first runs, and goes through after it") {
  RotationClient client;
  client.write_all(100);
  auto first = client.rotate();
  auto second = client.rotate();
  client.world.settle();
  CHECK((*first)->ok());
  REQUIRE_FALSE((*second)->ok());
  CHECK((*second)->error().code == ErrorCode::invalid_argument);
  auto third = client.rotate();
  client.world.settle();
  REQUIRE_FALSE((*third)->ok());
  CHECK((*third)->error().code == ErrorCode::invalid_argument);
  const auto running = client.status();
  REQUIRE(running.rotation->running);
  CHECK(running.rotation->total == 100);
  CHECK(running.rotation->rewrapped < 100);
  REQUIRE(client.finish());
  client.must_rotate();
  REQUIRE(client.finish());
  CHECK(client.status().term == 3);
}

TEST_CASE("rotation: what is written while it runs is under the new key") {
  RotationClient client;
  client.write_all(100);
  client.must_rotate();
  REQUIRE(client.status().rotation->running);
  client.write("fresh", "\"new\"");
  client.world.settle();
  const auto blobs = client.blobs();
  CHECK(blobs.at(1) + blobs.at(2) == 101);
  CHECK(client.value("fresh") == "\"new\"");
  client.check_all(100);
  REQUIRE(client.finish());
  CHECK(client.blobs().size() == 1);
}

TEST_CASE("rotation: data keys are opened from the store in every state of it") {
  RotationClient client;
  client.write_all(100);
  client.must_rotate();
  for (int i = 0; i < 20; ++i) {
    // A seal forgets the cached data keys; the unseal goes on with the rotation.
    auto sealed = client.seal();
    client.world.settle();
    REQUIRE((*sealed)->ok());
    REQUIRE(client.world.unseal().ok());
    client.check_all(100);
    client.world.advance(std::chrono::milliseconds(10));
    client.world.settle();
  }
  REQUIRE(client.finish());
  CHECK(client.blobs() == std::map<keyring::KeyTerm, std::size_t>{{2, 100}});
}

TEST_CASE("rotation: whatever runs beside it, nothing destroyed comes back and nothing is lost") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    RotationClient client(seed);
    client.write_all(12, 2);
    const auto old_key = client.tenant_row().keyring.tenant_key.id;
    auto writes = std::vector{client.write("s0", "\"early\"")};
    auto rotated = client.rotate();
    std::vector<Answer<api::SecretChanged>> destroys;
    for (int i = 1; i < 12; i += 2) {
      for (std::uint64_t steps = 0; steps < (seed * 7 + static_cast<std::uint64_t>(i)) % 40;
           ++steps)
        client.world.step();
      destroys.push_back(client.destroy("s" + std::to_string(i), {1, 2}));
      writes.push_back(client.write("w" + std::to_string(i), "\"beside\""));
      client.world.advance(std::chrono::milliseconds(seed % 9));
    }
    client.world.settle();
    REQUIRE((*rotated)->ok());
    for (const auto& answer : destroys) REQUIRE((*answer)->ok());
    for (const auto& answer : writes) REQUIRE((*answer)->ok());
    REQUIRE(client.finish());
    check_rotated(client, old_key, 2);
    // 6 secrets with two versions, one of them with a third, and 6 written beside it.
    CHECK(client.blobs() == std::map<keyring::KeyTerm, std::size_t>{{2, 6 * 2 + 1 + 6}});
    for (int i = 0; i < 12; ++i) {
      const auto name = "s" + std::to_string(i);
      const auto wanted = i == 0 ? "\"early\"" : i % 2 != 0 ? "" : RotationClient::value_of(i, 2);
      CHECK(client.value(name) == wanted);
    }
  }
}

TEST_CASE("rotation: of a child namespace, and of one that is deleted meanwhile") {
  RotationClient client;
  client.create_namespace("a");
  const auto id = [&] {
    auto found = VaultClient::make_answer<api::NamespaceInfo>();
    client.world.vault().find_namespace(client.admit("sys/namespaces/a", policy::Operation::read),
                                        "a", VaultClient::keep(found));
    client.world.settle();
    return (**found)->id;
  }();
  for (int i = 0; i < 100; ++i) client.write("s" + std::to_string(i), "\"a\"", {}, "a/");
  client.world.settle();
  auto answer = client.rotate("a");
  client.world.settle();
  REQUIRE((*answer)->ok());
  CHECK_FALSE((**answer)->recorded);  // by the caller's tenant
  REQUIRE(client.finish("a"));
  CHECK(client.status("a").term == 2);
  CHECK(client.status().term == 1);
  CHECK(client.blobs(id) == std::map<keyring::KeyTerm, std::size_t>{{2, 100}});
  CHECK(client.value("s7", "a/") == "\"a\"");
  auto unknown = client.rotate("b");
  CHECK((*unknown)->error().code == ErrorCode::not_found);

  client.must_rotate("a");
  auto deleted = VaultClient::make_answer<api::Changed>();
  client.world.vault().delete_namespace(client.admit("sys/namespaces/a", policy::Operation::remove),
                                        "a", VaultClient::keep(deleted));
  client.world.settle();
  REQUIRE((*deleted)->ok());
  for (int i = 0; i < 20; ++i) {
    client.world.advance(std::chrono::seconds(5));
    client.world.settle();
  }
  CHECK(client.rows(id).empty());
  CHECK_FALSE(client.world.log().get(log::Family::tenants, log::tenant_row(id))->has_value());
}

TEST_CASE("rotation: a wrapped answer outlives it") {
  RotationClient client;
  auto wrapped = VaultClient::make_answer<api::Wrapped>();
  client.world.vault().wrap(client.admit("sys/wrapping/wrap", policy::Operation::update),
                            SecretBytes(std::string_view("\"content\"")), Seconds{3600},
                            "sys/wrapping/wrap", VaultClient::keep(wrapped));
  client.world.settle();
  REQUIRE((*wrapped)->ok());
  client.must_rotate();
  REQUIRE(client.finish());
  CHECK(client.blobs() == std::map<keyring::KeyTerm, std::size_t>{{2, 1}});
  client.restart(log::LastBatch::lost);
  auto unwrapped = VaultClient::make_answer<api::Unwrapped>();
  api::TokenReference reference;
  reference.token = (**wrapped)->token.clone();
  client.world.vault().unwrap(client.admit("sys/wrapping/unwrap", policy::Operation::update),
                              std::move(reference), VaultClient::keep(unwrapped));
  client.world.settle();
  REQUIRE((*unwrapped)->ok());
  CHECK((**unwrapped)->content.expose_text() == "\"content\"");
}

TEST_CASE("rotation: a key that has wrapped as often as it may is rotated, across restarts too") {
  actors::RuntimeOptions options;
  options.limits.tenant_key_wraps_max = 100;
  RotationClient client(1, options);
  const auto sweep = [&] {
    for (int i = 0; i < 3; ++i) {
      client.world.advance(std::chrono::seconds(10));
      client.world.settle();
    }
  };
  client.write_all(40);
  CHECK(client.status().encryptions == 40);
  sweep();
  CHECK(client.status().term == 1);
  client.restart(log::LastBatch::lost);
  const auto restarted = client.status().encryptions;
  CHECK(restarted >= 40);  // never too low
  CHECK(restarted <= 42);
  client.write_all(58);
  sweep();
  CHECK(client.status().term == 1);
  client.write_all(3);
  sweep();
  CHECK(client.status().term == 2);
  REQUIRE(client.finish());
  CHECK(client.blobs() == std::map<keyring::KeyTerm, std::size_t>{{2, 40 + 58 + 3}});
  client.check_all(58);
}

TEST_CASE("rotation: a store of before it opens, its wraps are estimated by its records") {
  RotationClient client;
  client.write_all(20);
  const auto count_row = log::key_use_row(kRootTenant, client.tenant_row().keyring.tenant_key.id);
  auto row = client.tenant_row();
  row.keyring.installed_time = {};
  log::Append before;
  before.changes.push_back(
      {log::Family::tenants, log::tenant_row(kRootTenant), codec::encode_tenant_row(row), false});
  before.changes.push_back({log::Family::aggregates, count_row, std::nullopt, false});
  REQUIRE(client.world.log().append(std::span(&before, 1)).ok());
  client.restart(log::LastBatch::lost);
  const auto status = client.status();
  CHECK(status.term == 1);
  CHECK(status.install_time.is_set());
  CHECK(status.encryptions >= 20);
  CHECK(status.encryptions <= client.world.log().events_end(0));
  client.check_all(20);
  client.must_rotate();
  REQUIRE(client.finish());
  CHECK(client.blobs() == std::map<keyring::KeyTerm, std::size_t>{{2, 20}});
}

TEST_CASE("rotation: goes at the pace that all of them share") {
  actors::RuntimeOptions options;
  options.limits.rewraps_per_second = 10;
  RotationClient client(1, options);
  client.write_all(64);
  client.must_rotate();
  const auto rewrapped_after = [&](std::chrono::milliseconds span) {
    client.world.advance(span);
    client.world.settle();
    return client.status().rotation->rewrapped;
  };
  CHECK(rewrapped_after(std::chrono::milliseconds(0)) == 32);
  CHECK(rewrapped_after(std::chrono::milliseconds(3100)) == 32);
  CHECK(rewrapped_after(std::chrono::milliseconds(200)) == 64);
  CHECK(client.status().rotation->running);
  CHECK(rewrapped_after(std::chrono::milliseconds(3300)) == 64);
  CHECK_FALSE(client.status().rotation->running);

  actors::RewrapPace pace(100);
  CHECK(pace.after(10, 0) == std::chrono::milliseconds(100));
  CHECK(pace.after(10, 0) == std::chrono::milliseconds(200));
  CHECK(pace.after(10, 1'000'000'000) == std::chrono::milliseconds(100));
  CHECK(actors::RewrapPace(0).after(10, 0).count() == 0);
}

TEST_CASE("key use: counted and reserved ahead; leases live as long as somebody holds one") {
  const KeyId key{{1}};
  actors::KeyUse use(64 * 10);  // blocks of ten
  auto first = use.begin(key, 1);
  CHECK(first.reserve == 11);
  for (int i = 2; i <= 11; ++i) CHECK_FALSE(use.begin(key, 1).reserve);
  CHECK(use.begin(key, 5).reserve == 26);
  CHECK(use.wraps(key) == 16);
  use.reservation_failed(key);
  CHECK(use.begin(key, 1).reserve == 27);
  use.restore(key, 10);
  CHECK(use.wraps(key) == 17);
  use.restore(key, 100);
  CHECK(use.wraps(key) == 100);
  CHECK(use.begin(key, 1).reserve == 111);
  CHECK(use.under_way(key));
  auto second = use.begin(key, 1).lease;
  first.lease.reset();
  CHECK(use.under_way(key));
  second.reset();
  CHECK_FALSE(use.under_way(key));
  use.forget(key);
  CHECK(use.wraps(key) == 0);
}

TEST_CASE("data key blobs: the first term has no prefix, others do, and nothing else is a blob") {
  const Bytes wrapped(60, 7);
  CHECK(actors::data_key_blob(1, wrapped) == wrapped);
  const auto later = actors::data_key_blob(2, wrapped);
  CHECK(later.size() == 64);
  CHECK(parse_data_key_blob(wrapped)->term == 1);
  CHECK(parse_data_key_blob(later)->term == 2);
  const auto inner = parse_data_key_blob(later)->wrapped;
  CHECK(Bytes(inner.begin(), inner.end()) == wrapped);
  for (const std::size_t size : {0u, 4u, 59u, 61u, 63u, 65u, 128u})
    CHECK(parse_data_key_blob(Bytes(size, 7)).error().code == ErrorCode::corrupt);
  // A first-term blob is never written with its term.
  Bytes first(64, 7);
  first[0] = first[1] = first[2] = 0;
  first[3] = 1;
  CHECK(parse_data_key_blob(first).error().code == ErrorCode::corrupt);
}
