// What holds between actors: isolation of faults, overload, seal, the access recorder.
#include "events/log/state_keys.h"
#include "tests/actors/vault_client.h"

using namespace coffer;
using namespace coffer::testing;

TEST_CASE("runtime: a crashing tenant does not disturb another") {
  VaultClient client;
  client.create_namespace("a");
  client.create_namespace("b");
  client.write("s", "of a", {}, "a/");
  client.write("s", "of b", {}, "b/");
  client.world.settle();
  auto hit = client.write("s", "more", {}, "a/");
  REQUIRE(client.world.crash_waiting_actor("TenantActor"));
  auto other = client.write("s", "of b again", {}, "b/");
  client.world.settle();
  REQUIRE(hit->has_value());
  CHECK((*other)->ok());
  CHECK(client.value("s", "b/") == "of b again");
  const auto value = client.value("s", "a/");
  CHECK((value == "of a" || value == "more"));
}

TEST_CASE("runtime: more than a mailbox takes is answered as overload, at once") {
  actors::RuntimeOptions options;
  options.limits.mailbox_max = 4;
  VaultClient client(1, options);
  std::vector<Answer<api::SecretWritten>> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(client.write("s", "x"));
  std::size_t overloaded = 0;
  for (const auto& answer : answers)
    if (answer->has_value() && (*answer)->error().code == ErrorCode::overloaded) ++overloaded;
  CHECK(overloaded == 16);
  client.world.settle();
  for (const auto& answer : answers) CHECK(answer->has_value());
}

TEST_CASE("runtime: a sealed vault has forgotten its keys") {
  VaultClient client;
  client.write("s", "x");
  client.world.settle();
  CHECK(client.value("s") == "x");
  auto sealed = client.seal();
  client.world.settle();
  REQUIRE((*sealed)->ok());
  CHECK_FALSE(client.world.keys().logged_in());
  CHECK(client.admit("secret/data/s", policy::Operation::read)->refusal->code == ErrorCode::sealed);
  REQUIRE(client.world.unseal().ok());
  // The data key is not cached any more: the HSM has to unwrap it.
  const auto calls = client.world.keys().calls();
  CHECK(client.value("s") == "x");
  CHECK(client.world.keys().calls() > calls);
}

TEST_CASE("runtime: refused requests of one source beyond the rate are recorded as a count") {
  actors::RuntimeOptions options;
  options.limits.refusals_per_second = 3;
  VaultClient client(1, options);
  const auto before = client.world.log().access_end(0);
  unsigned answered = 0;
  for (int i = 0; i < 10; ++i) {
    api::RequestHead head;
    head.request_id = "x" + std::to_string(i);
    head.path = "secret/data/s";
    head.remote_address = "198.51.100.7";
    client.world.vault().admit(std::move(head), [&](api::AdmissionPtr admission) {
      REQUIRE(admission->refusal.has_value());
      client.world.vault().record(admission, {403, ErrorCode::permission_denied, 0},
                                  [&](Result<void> recorded) { answered += recorded.ok(); });
    });
    client.world.settle();
  }
  CHECK(answered == 10);
  CHECK(client.world.log().access_end(0) == before + 3);
  client.world.advance(std::chrono::seconds(2));
  client.world.vault().tick();
  client.world.settle();
  CHECK(client.world.log().access_end(0) == before + 4);
}

TEST_CASE("runtime: a namespace that does not exist is nobody's") {
  VaultClient client;
  const auto refused = [&](const char* path) {
    const auto admission = client.admit("sys/mounts", policy::Operation::read, path);
    return admission->refusal && admission->refusal->code == ErrorCode::not_found;
  };
  CHECK(refused("a/"));
  CHECK(refused("a/a/"));
  client.create_namespace("a");
  CHECK_FALSE(refused("a/"));
  CHECK(refused("a/a/"));
  auto deleted = VaultClient::make_answer<api::Changed>();
  client.world.vault().delete_namespace(client.admit("sys/namespaces/a", policy::Operation::remove),
                                        "a", VaultClient::keep(deleted));
  client.world.settle();
  REQUIRE((*deleted)->ok());
  CHECK_FALSE((**deleted)->recorded);
  CHECK(refused("a/"));
  CHECK(refused("a/a/"));
}
