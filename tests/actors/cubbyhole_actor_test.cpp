// A cubbyhole is its token's alone and goes with it.
#include "actors/cubbyhole.h"

#include "events/log/state_keys.h"
#include "tests/actors/vault_client.h"

using namespace coffer;
using namespace coffer::testing;

namespace {

struct Holder {
  SecretBytes token;
  TokenId id;
};

Holder make_token(VaultClient& client, std::uint64_t num_uses = 0, Seconds ttl = {3600}) {
  token::TokenRequest request;
  request.policies = {"default"};
  request.policies_given = true;
  request.ttl = ttl;
  request.num_uses = num_uses;
  auto answer = VaultClient::make_answer<api::TokenIssued>();
  client.world.vault().create_token(client.admit("auth/token/create", policy::Operation::update),
                                    std::move(request), {}, 200, VaultClient::keep(answer));
  client.world.settle();
  REQUIRE((*answer)->ok());
  return {std::move((**answer)->token), (**answer)->state.id};
}

api::AdmissionPtr admitted(VaultClient& client, const Holder& holder,
                           policy::Operation operation = policy::Operation::update) {
  auto admission = client.admit_as(holder.token, "cubbyhole/a", operation);
  REQUIRE_FALSE(admission->refusal);
  REQUIRE(admission->mount.has_value());
  CHECK(admission->mount->id == actors::kCubbyholeMount);
  CHECK(admission->mount_relative_path == "a");
  return admission;
}

void write(VaultClient& client, const Holder& holder) {
  auto answer = VaultClient::make_answer<api::SecretWritten>();
  api::WriteSecret request;
  request.path = to_hex(holder.id.view());
  request.value = SecretBytes(std::string_view(R"({"a":{"v":1}})"));
  client.world.vault().write_secret(admitted(client, holder), std::move(request), 204,
                                    VaultClient::keep(answer));
  client.world.settle();
  REQUIRE((*answer)->ok());
}

std::size_t rows(VaultClient& client) {
  std::size_t count = 0;
  for (const auto family :
       {log::Family::aggregates, log::Family::values, log::Family::keys, log::Family::listing}) {
    const auto prefix = family == log::Family::aggregates
                            ? log::secret_rows_prefix(kRootTenant, actors::kCubbyholeMount)
                            : log::mount_prefix(kRootTenant, actors::kCubbyholeMount);
    const auto found = client.world.log().scan(family, prefix, {}, 100);
    REQUIRE(found.ok());
    count += found->size();
  }
  return count;
}

void revoke(VaultClient& client, const Holder& holder) {
  auto answer = VaultClient::make_answer<api::Changed>();
  api::TokenReference reference;
  reference.token = holder.token.clone();
  client.world.vault().revoke_token(client.admit("auth/token/revoke", policy::Operation::update),
                                    std::move(reference), false, 204, VaultClient::keep(answer));
  client.world.settle();
  REQUIRE((*answer)->ok());
}

TEST_CASE("cubbyhole: nothing of it is left once its token is revoked") {
  VaultClient client;
  const auto holder = make_token(client);
  const auto other = make_token(client);
  write(client, holder);
  const auto of_one = rows(client);
  CHECK(of_one > 0);
  write(client, other);
  CHECK(rows(client) == 2 * of_one);
  revoke(client, holder);
  CHECK(rows(client) == of_one);
  // A token without one.
  revoke(client, make_token(client));
  CHECK(rows(client) == of_one);
}

TEST_CASE("cubbyhole: of a token that expired or was used up, it goes with what is left of it") {
  actors::RuntimeOptions options;
  options.limits.token_sweep_interval = Seconds{60};
  VaultClient client(1, options);
  const auto short_lived = make_token(client, 0, Seconds{60});
  write(client, short_lived);
  const auto few_uses = make_token(client, 1);
  write(client, few_uses);
  CHECK(rows(client) > 0);
  for (int i = 0; i < 60; ++i) {
    client.world.advance(std::chrono::seconds(20));
    client.world.vault().tick();
    client.world.settle();
  }
  CHECK(rows(client) == 0);
}

TEST_CASE("cubbyhole: it is in the token's own namespace, and a child's token has its own") {
  VaultClient client;
  client.create_namespace("team");
  const auto holder = make_token(client);
  const auto admission =
      client.admit_as(holder.token, "cubbyhole/a", policy::Operation::update, "team/");
  REQUIRE(admission->refusal.has_value());
  CHECK(admission->refusal->code == ErrorCode::invalid_argument);
}

}  // namespace
