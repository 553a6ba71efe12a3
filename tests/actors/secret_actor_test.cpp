// One secret's actor: order, passivation, crashes. Only the test says which message is handled
// when.
#include "tests/actors/vault_client.h"

using namespace coffer;
using namespace coffer::testing;

namespace {

actors::RuntimeOptions with(void (*change)(actors::RuntimeOptions&)) {
  actors::RuntimeOptions options;
  change(options);
  return options;
}

}  // namespace

TEST_CASE("secret actor: concurrent writes with one cas value, one of them wins") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    VaultClient client(seed);
    std::vector<Answer<api::SecretWritten>> answers;
    for (int i = 0; i < 5; ++i) answers.push_back(client.write("s", "{}", 0));
    client.world.settle();
    int stored = 0;
    for (const auto& answer : answers) {
      REQUIRE(answer->has_value());
      if ((*answer)->ok())
        ++stored;
      else
        CHECK((*answer)->error().code == ErrorCode::cas_mismatch);
    }
    CHECK(stored == 1);
  }
}

TEST_CASE("secret actor: writes that wait are stored in the order they came") {
  VaultClient client;
  std::vector<Answer<api::SecretWritten>> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(client.write("s", std::to_string(i)));
  client.world.settle();
  for (std::size_t i = 0; i < answers.size(); ++i) CHECK((**answers[i])->number == i + 1);
  CHECK(client.value("s") == "4");
}

TEST_CASE("secret actor: an idle one ends, and what it held is there when it wakes") {
  VaultClient client(3, with([](auto& options) {
                       options.limits.secret_idle = Seconds{5};
                       options.limits.secret_cache_bytes = 1;
                     }));
  client.write("s", "kept");
  client.world.settle();
  CHECK(client.actors_of("secret") == 1);
  client.world.advance(std::chrono::seconds(20));
  client.world.settle();
  CHECK(client.actors_of("secret") == 0);
  CHECK(client.value("s") == "kept");
}

TEST_CASE("secret actor: a write that comes while its actor retires is not lost") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    VaultClient client(seed, with([](auto& options) {
                         options.limits.secret_actors_max = 1;
                         options.limits.secret_cache_bytes = 1;
                       }));
    std::vector<Answer<api::SecretWritten>> answers;
    for (int i = 0; i < 6; ++i) {
      answers.push_back(client.write(i % 2 == 0 ? "even" : "odd", std::to_string(i)));
      for (int step = 0; step < 4; ++step) client.world.step();
    }
    client.world.settle();
    for (const auto& answer : answers) CHECK((*answer)->ok());
    CHECK(client.value("even") == "4");
    CHECK(client.value("odd") == "5");
  }
}

TEST_CASE("secret actor: after a crash amid a commit the read shows what the log holds") {
  int crashed = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    VaultClient client(seed);
    client.write("s", "first");
    client.world.settle();
    auto answer = client.write("s", "second");
    for (std::uint64_t step = 0; step < seed % 12; ++step) client.world.step();
    if (!client.world.crash_waiting_actor("SecretActor")) continue;
    ++crashed;
    client.world.settle();
    const auto value = client.value("s");
    REQUIRE(answer->has_value());
    if ((*answer)->ok()) CHECK(value == "second");
    // Whatever it was, the next write continues from it.
    auto next = client.write("s", "third", value == "second" ? 2 : 1);
    client.world.settle();
    CHECK((*next)->ok());
  }
  CHECK(crashed > 0);
}

TEST_CASE("secret actor: three crashes within a minute quarantine the secret, for a while") {
  VaultClient client(1, with([](auto& options) { options.limits.secret_cache_bytes = 1; }));
  for (int i = 0; i < 3; ++i) {
    client.write("s", "x");
    while (!client.world.crash_waiting_actor("SecretActor")) REQUIRE(client.world.step());
    client.world.settle();
  }
  auto refused = client.write("s", "y");
  client.world.settle();
  REQUIRE(refused->has_value());
  CHECK_FALSE((*refused)->ok());
  auto other = client.write("other", "y");
  client.world.settle();
  CHECK((*other)->ok());
  client.world.advance(std::chrono::seconds(301));
  client.world.settle();
  auto again = client.write("s", "y");
  client.world.settle();
  CHECK((*again)->ok());
}
