// A new root token and new key shares, on a vault that was unsealed by shares.
#include "actors/share_ceremonies.h"

#include "hsm/envelope_cipher.h"
#include "tests/actors/vault_client.h"

using namespace coffer;
using namespace coffer::testing;

namespace {

constexpr std::string_view kOtp = "BMjzW3wAsEzINXCM05Wbas3u9zSl";

actors::RuntimeOptions shamir() {
  actors::RuntimeOptions options;
  options.seal.type = api::SealType::shamir;
  return options;
}

std::vector<SecretBytes> copy(const std::vector<SecretBytes>& shares) {
  std::vector<SecretBytes> out;
  for (const auto& share : shares) out.push_back(share.clone());
  return out;
}

struct Ceremony {
  VaultClient client{1, shamir()};

  VaultWorld& world() { return client.world; }
  api::KeyCeremonies& port() { return client.world.vault().key_ceremonies(); }
  api::AdmissionPtr anybody() {
    api::RequestHead head;
    head.path = "sys/rekey/update";
    head.operation = policy::Operation::update;
    return client.world.vault().admit_public(std::move(head));
  }
  Result<api::RootGeneration> give_root(const SecretBytes& share, const std::string& nonce) {
    auto answer = VaultClient::make_answer<api::RootGeneration>();
    port().give_root_share(anybody(), share.clone(), nonce, VaultClient::keep(answer));
    world().settle();
    REQUIRE(answer->has_value());
    return std::move(**answer);
  }
  Result<api::RekeyOutcome> give(const SecretBytes& share, const std::string& nonce) {
    auto answer = VaultClient::make_answer<api::RekeyOutcome>();
    port().give_rekey_share(anybody(), share.clone(), nonce, VaultClient::keep(answer));
    world().settle();
    REQUIRE(answer->has_value());
    return std::move(**answer);
  }
  Result<api::RekeyVerification> verify(const SecretBytes& share, const std::string& nonce) {
    auto answer = VaultClient::make_answer<api::RekeyVerification>();
    port().verify_rekey_share(anybody(), share.clone(), nonce, VaultClient::keep(answer));
    world().settle();
    REQUIRE(answer->has_value());
    return std::move(**answer);
  }
  // New shares of a rekey from begin to end.
  Result<api::RekeyOutcome> rekey(const api::RekeyStart& start) {
    const auto begun = port().begin_rekey(start);
    REQUIRE(begun.ok());
    CHECK_FALSE(give(world().shares()[2], begun->nonce)->complete);
    return give(world().shares()[0], begun->nonce);
  }
  // Seals, and says whether these shares open the vault again.
  bool unseals(const std::vector<SecretBytes>& shares) {
    if (!world().vault().status().sealed) {
      client.seal();
      world().settle();
    }
    world().set_shares(copy(shares));
    world().vault().reset_unseal([](auto&&) {});
    const auto status = world().unseal();
    const bool opened = status.ok() && !status->sealed;
    if (!opened) world().vault().reset_unseal([](auto&&) {});
    return opened;
  }
};

TEST_CASE("ceremonies: enough shares make a root token that only the pad's owner can read") {
  Ceremony test;
  CHECK_FALSE(test.port().root_generation()->started);
  const auto begun = test.port().begin_root_generation(SecretBytes(kOtp));
  REQUIRE(begun.ok());
  CHECK(begun->started);
  CHECK(begun->otp.empty());
  CHECK(begun->required == 2);
  CHECK(test.port().begin_root_generation(SecretBytes(kOtp)).error().message ==
        "root generation already in progress");
  const auto first = test.give_root(test.world().shares()[1], begun->nonce);
  CHECK(first->progress == 1);
  CHECK(test.give_root(test.world().shares()[1], begun->nonce)->progress == 1);
  const auto last = test.give_root(test.world().shares()[2], begun->nonce);
  REQUIRE(last.ok());
  CHECK(last->complete);
  CHECK_FALSE(test.port().root_generation()->started);
  auto padded = last->encoded_token;
  while (padded.size() % 4 != 0) padded.push_back('=');
  auto token = hsm::base64_decode(padded);
  REQUIRE(token.has_value());
  REQUIRE(token->size() == kOtp.size());
  for (std::size_t i = 0; i < kOtp.size(); ++i)
    token->writable()[i] ^= static_cast<std::uint8_t>(kOtp[i]);
  CHECK(token->expose_text().starts_with("hvs."));
  const auto admission = test.client.admit_as(*token, "sys/mounts", policy::Operation::read);
  REQUIRE_FALSE(admission->refusal);
  CHECK(admission->token->is_root());
}

TEST_CASE("ceremonies: what does not make a root token") {
  Ceremony test;
  const auto& shares = test.world().shares();
  CHECK_FALSE(test.give_root(shares[0], "n").ok());
  CHECK_FALSE(test.port().begin_root_generation(SecretBytes(std::string_view("short"))).ok());
  auto begun = test.port().begin_root_generation({});
  REQUIRE(begun.ok());
  CHECK(begun->otp.size() == api::KeyCeremonies::kOtpBytes);
  CHECK_FALSE(test.give_root(shares[0], "another nonce").ok());
  // Shares of another vault: forgotten, and the attempt goes on.
  auto forged = shares[0].clone();
  forged.writable()[3] ^= 1;
  CHECK(test.give_root(forged, begun->nonce)->progress == 1);
  CHECK_FALSE(test.give_root(shares[1], begun->nonce).ok());
  CHECK(test.port().root_generation()->progress == 0);
  CHECK(test.give_root(shares[0], begun->nonce)->progress == 1);
  REQUIRE(test.port().cancel_root_generation().ok());
  CHECK_FALSE(test.port().root_generation()->started);
  // A seal ends the attempt.
  REQUIRE(test.port().begin_root_generation({}).ok());
  CHECK(test.unseals(copy(shares)));
  CHECK_FALSE(test.port().root_generation()->started);
}

TEST_CASE("ceremonies: not with the automatic seal, and not while sealed") {
  VaultClient automatic;
  auto& port = automatic.world.vault().key_ceremonies();
  CHECK(port.root_generation().error().code == ErrorCode::invalid_argument);
  CHECK(port.begin_rekey({3, 2, false}).error().code == ErrorCode::invalid_argument);
  Ceremony test;
  test.client.seal();
  test.world().settle();
  CHECK(test.port().root_generation().error().code == ErrorCode::sealed);
  CHECK(test.port().begin_rekey({3, 2, false}).error().code == ErrorCode::sealed);
}

TEST_CASE("ceremonies: after a rekey the new shares unseal the vault, and the old ones do not") {
  Ceremony test;
  test.client.create_namespace("a");
  test.client.write("s", "kept", {}, "a/");
  test.world().settle();
  const auto old = copy(test.world().shares());
  const auto outcome = test.rekey({5, 3, false});
  REQUIRE(outcome.ok());
  CHECK(outcome->complete);
  CHECK(outcome->recorded);
  REQUIRE(outcome->key_shares.size() == 5);
  CHECK(test.world().vault().status().threshold == 3);
  CHECK_FALSE(test.port().rekey()->started);
  CHECK_FALSE(test.unseals(old));
  auto answer = VaultClient::make_answer<api::ServiceStatus>();
  for (const std::size_t i : {4u, 0u, 2u})
    test.world().vault().unseal(
        outcome->key_shares[i].clone(), i == 2 ? VaultClient::keep(answer) : [](auto&&) {});
  test.world().settle();
  REQUIRE(answer->has_value());
  REQUIRE((*answer)->ok());
  CHECK_FALSE((**answer)->sealed);
  CHECK(test.client.value("s", "a/") == "kept");
}

TEST_CASE("ceremonies: with verification the old shares count until the new ones have come back") {
  Ceremony test;
  const auto old = copy(test.world().shares());
  const auto outcome = test.rekey({3, 2, true});
  REQUIRE(outcome.ok());
  CHECK(outcome->complete);
  CHECK_FALSE(outcome->recorded);
  const auto& made = outcome->key_shares;
  auto nonce = outcome->progress.verification_nonce;
  CHECK(test.port().rekey_verification()->nonce == nonce);
  CHECK_FALSE(test.give(old[0], outcome->nonce).ok());  // all were given
  CHECK(test.verify(made[0], nonce)->progress == 1);
  const auto again = test.port().restart_rekey_verification();
  REQUIRE(again.ok());
  CHECK(again->nonce != nonce);
  CHECK(again->progress == 0);
  CHECK_FALSE(test.verify(made[0], nonce).ok());
  nonce = again->nonce;
  CHECK(test.verify(old[0], nonce)->progress == 1);
  CHECK_FALSE(test.verify(old[1], nonce).ok());
  CHECK(test.world().vault().status().threshold == 2);
  SUBCASE("given up: the old ones stay") {
    REQUIRE(test.port().cancel_rekey().ok());
    CHECK_FALSE(test.unseals(made));
    CHECK(test.unseals(old));
  }
  SUBCASE("verified: the new ones are the vault's") {
    CHECK_FALSE(test.verify(made[2], nonce)->complete);
    const auto last = test.verify(made[1], nonce);
    REQUIRE(last.ok());
    CHECK(last->complete);
    CHECK_FALSE(test.unseals(old));
    CHECK(test.unseals(made));
  }
}

// Whatever of the append's batch a crash leaves: one of the two sets opens the vault, not both.
TEST_CASE("ceremonies: a crash during a rekey leaves exactly one valid set of shares") {
  for (const auto last : {log::LastBatch::kept, log::LastBatch::lost}) {
    for (unsigned steps = 0; steps < 40; ++steps) {
      Ceremony test;
      const auto old = copy(test.world().shares());
      const auto begun = test.port().begin_rekey({3, 2, true});
      REQUIRE(begun.ok());
      CHECK_FALSE(test.give(old[0], begun->nonce)->complete);
      const auto outcome = test.give(old[1], begun->nonce);
      REQUIRE(outcome.ok());
      const auto nonce = outcome->progress.verification_nonce;
      CHECK_FALSE(test.verify(outcome->key_shares[0], nonce)->complete);
      auto answer = VaultClient::make_answer<api::RekeyVerification>();
      test.port().verify_rekey_share(test.anybody(), outcome->key_shares[1].clone(), nonce,
                                     VaultClient::keep(answer));
      unsigned done = 0;
      while (done < steps && test.world().step()) ++done;
      const bool answered = answer->has_value() && (*answer)->ok();
      test.world().restart(last);
      const bool by_new = test.unseals(outcome->key_shares);
      const bool by_old = test.unseals(old);
      CHECK(by_new != by_old);
      if (answered && last == log::LastBatch::kept) CHECK(by_new);
      if (done < steps) break;
    }
  }
}

}  // namespace
