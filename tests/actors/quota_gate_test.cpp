// Rate limits as requests meet them: before the token is looked at, and of one tenant alone.
#include "tests/actors/vault_client.h"

using namespace coffer;
using namespace coffer::testing;

namespace {

void limit(VaultClient& client, std::string name, std::string path, std::uint64_t rate,
           std::string namespace_path = "", bool inheritable = false, bool names_child = false) {
  tenant::WriteRateLimit command;
  command.name = std::move(name);
  command.limit.path = std::move(path);
  command.limit.rate_micro = rate * 1'000'000;
  command.limit.interval = Seconds{60};
  command.limit.inheritable = inheritable;
  command.names_child = names_child;
  auto changed = VaultClient::make_answer<api::Changed>();
  client.world.vault().change_tenant(
      client.admit("sys/quotas/rate-limit/x", policy::Operation::update, namespace_path), command,
      204, VaultClient::keep(changed));
  client.world.settle();
  REQUIRE((*changed)->ok());
}

// How many of `count` requests were let through.
unsigned allowed(VaultClient& client, unsigned count, const std::string& path,
                 const std::string& namespace_path = "") {
  unsigned out = 0;
  for (unsigned i = 0; i < count; ++i) {
    const auto admission = client.admit(path, policy::Operation::read, namespace_path);
    if (!admission->refusal) {
      ++out;
      continue;
    }
    CHECK(admission->refusal->code == ErrorCode::quota_exceeded);
    CHECK(admission->retry_after.has_value());
  }
  return out;
}

TEST_CASE("quota: a limit of a mount counts its requests and no others") {
  VaultClient client;
  limit(client, "q", "secret/", 3);
  CHECK(allowed(client, 10, "secret/data/a") == 3);
  CHECK(allowed(client, 10, "sys/mounts") == 10);
  client.world.advance(std::chrono::seconds(20));
  CHECK(allowed(client, 10, "secret/data/b") == 1);
}

TEST_CASE("quota: a flood without a token is turned away before the token is looked for") {
  VaultClient client;
  limit(client, "q", "secret/", 2);
  const SecretBytes nobody(std::string_view("hvs.none"));
  std::vector<ErrorCode> codes;
  for (int i = 0; i < 4; ++i)
    codes.push_back(
        client.admit_as(nobody, "secret/data/a", policy::Operation::read)->refusal->code);
  CHECK(codes == std::vector{ErrorCode::permission_denied, ErrorCode::permission_denied,
                             ErrorCode::quota_exceeded, ErrorCode::quota_exceeded});
}

TEST_CASE("quota: tenants do not touch each other, and a parent's limit holds below it") {
  VaultClient client;
  client.create_namespace("a");
  client.create_namespace("b");
  limit(client, "own", "", 5, "a/", true);
  CHECK(allowed(client, 10, "sys/mounts", "a/") == 5);
  CHECK(allowed(client, 10, "sys/mounts", "b/") == 10);
  CHECK(allowed(client, 10, "sys/mounts") == 10);
  // The parent's limit of b/ is not loosened by b's own.
  limit(client, "of-b", "b/", 4, "", true, true);
  limit(client, "own", "", 1000, "b/", true);
  CHECK(allowed(client, 10, "sys/mounts", "b/") == 3);  // one was spent on writing the limit
  CHECK(allowed(client, 10, "sys/mounts") == 10);
}

TEST_CASE("quota: an operator can always look and unseal") {
  VaultClient client;
  limit(client, "q", "", 1);
  allowed(client, 5, "sys/mounts");
  for (int i = 0; i < 5; ++i) {
    api::RequestHead head;
    head.path = "sys/health";
    head.remote_address = "192.0.2.1";
    CHECK_FALSE(client.world.vault().admit_public(std::move(head))->refusal);
  }
}

}  // namespace
