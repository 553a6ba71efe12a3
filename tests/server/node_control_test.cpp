// One node's seal and candidacy, without HSM and log.
#include "tools/cofferd/node_control.h"

#include <doctest/doctest.h>

#include "hsm/shamir.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"

namespace coffer::server {
namespace {

using namespace std::chrono_literals;

// Two of three shares make the PIN that the HSM takes.
struct Node {
  explicit Node(api::SealType type)
      : control(type, clock, random, [this](const SecretBytes& given, std::uint32_t epoch) {
          ++checks;
          CHECK(epoch == 4);
          if (hsm_is_away) return Result<void>(fail(ErrorCode::unavailable, "the HSM is away"));
          if (!given.equals(pin.expose()))
            return Result<void>(fail(ErrorCode::permission_denied, "wrong PIN"));
          if (during_check) during_check();
          return Result<void>();
        }) {
    SecretBytes entropy(actors::kPinEntropyBytes);
    random.fill(entropy.writable());
    pin = actors::pin_of(entropy);
    parts = std::move(*hsm::split_secret(entropy, 3, 2, random));
    row.shamir = type == api::SealType::shamir;
    row.shares = 3;
    row.threshold = 2;
    row.root_epoch = 4;
    row.cluster_name = std::string("coffer");
  }
  // How an unseal ended; nothing yet.
  std::shared_ptr<std::optional<Result<api::ServiceStatus>>> give(SecretBytes share) {
    auto seen = std::make_shared<std::optional<Result<api::ServiceStatus>>>();
    control.unseal(std::move(share), [seen](Result<api::ServiceStatus> result) {
      CHECK_FALSE(seen->has_value());
      seen->emplace(std::move(result));
    });
    return seen;
  }
  auto give(std::size_t part) { return give(parts[part].clone()); }
  void unseal() {
    give(0);
    give(1);
    control.work(true);
    REQUIRE_FALSE(control.sealed());
  }

  testing::ManualClock clock;
  testing::SeededRandom random{1};
  SecretBytes pin;
  std::vector<SecretBytes> parts;
  codec::VaultRow row;
  unsigned checks = 0;
  bool hsm_is_away = false;
  std::function<void()> during_check;
  NodeControl control;
};

TEST_CASE("node: other key shares come with the log, and those given so far are forgotten") {
  Node node(api::SealType::shamir);
  node.control.learn(node.row);
  node.give(0);
  CHECK(node.control.status().progress == 1);
  node.control.learn(node.row);
  CHECK(node.control.status().progress == 1);
  SecretBytes entropy(actors::kPinEntropyBytes), unseal_key(actors::kPinEntropyBytes);
  node.random.fill(entropy.writable());
  node.random.fill(unseal_key.writable());
  node.pin = actors::pin_of(entropy);
  auto changed = node.row;
  changed.sealed_pin = actors::seal_pin(unseal_key, changed.cluster_id, entropy);
  node.control.learn(changed);
  CHECK(node.control.status().progress == 0);
  node.give(0);
  const auto refused = node.give(1);
  REQUIRE(refused->has_value());
  CHECK((*refused)->error().message == "unseal failed, invalid key");
  node.parts = std::move(*hsm::split_secret(unseal_key, 3, 2, node.random));
  node.unseal();
}

TEST_CASE("node: the automatic seal is open until somebody seals it") {
  Node node(api::SealType::automatic);
  CHECK(node.control.is_candidate());
  CHECK_FALSE(node.control.sealed());
  CHECK(node.control.status().sealed);  // there is no vault yet
  node.control.learn(node.row);
  CHECK_FALSE(node.control.status().sealed);
  CHECK(node.control.status().cluster_name == "coffer");
  node.control.seal();
  CHECK(node.control.sealed());
  CHECK_FALSE(node.control.is_candidate());
  const auto refused = node.give(0);
  REQUIRE(*refused);
  CHECK((**refused).error().message == "this server unseals itself: no key shares are taken");
  CHECK(node.checks == 0);
}

TEST_CASE(
    "node: with key shares it is a candidate to initialise, then sealed until it has enough") {
  Node node(api::SealType::shamir);
  CHECK(node.control.is_candidate());
  const auto early = node.give(0);
  REQUIRE(*early);
  CHECK((**early).error().code == ErrorCode::not_initialized);
  node.control.learn(node.row);
  CHECK(node.control.sealed());
  CHECK_FALSE(node.control.is_candidate());
  CHECK_FALSE(node.control.pin());
  const auto first = node.give(0);
  REQUIRE(*first);
  CHECK((**first)->progress == 1);
  CHECK(node.control.status().threshold == 2);
  const auto last = node.give(2);
  CHECK_FALSE(last->has_value());  // the HSM has not been asked
  CHECK(node.control.sealed());
  node.control.work(true);
  REQUIRE(*last);
  CHECK_FALSE((**last)->sealed);
  CHECK(node.control.is_candidate());
  REQUIRE(node.control.pin());
  CHECK(node.control.pin()->equals(node.pin.expose()));
  node.control.seal();
  CHECK(node.control.sealed());
  CHECK_FALSE(node.control.pin());
  CHECK_FALSE(node.control.is_candidate());
}

TEST_CASE("node: the last share is answered when the cluster serves, or after ten seconds") {
  for (const bool served : {true, false}) {
    Node node(api::SealType::shamir);
    node.control.learn(node.row);
    node.give(0);
    const auto last = node.give(1);
    node.control.work(false);
    CHECK_FALSE(node.control.sealed());
    CHECK_FALSE(last->has_value());
    if (!served) node.clock.advance(10s);
    node.control.work(served);
    CHECK(last->has_value());
  }
}

TEST_CASE("node: a PIN that the HSM does not take") {
  Node node(api::SealType::shamir);
  node.control.learn(node.row);
  auto forged = node.parts[1].clone();
  forged.writable()[0] ^= 1;
  node.give(0);
  const auto wrong = node.give(std::move(forged));
  node.control.work(true);
  REQUIRE(*wrong);
  CHECK((**wrong).error().message == "unseal failed, invalid key");
  CHECK(node.control.sealed());
  node.hsm_is_away = true;
  node.give(0);
  const auto away = node.give(1);
  node.control.work(true);
  REQUIRE(*away);
  CHECK((**away).error().code == ErrorCode::unavailable);
  CHECK(node.control.sealed());
  node.hsm_is_away = false;
  node.unseal();
}

TEST_CASE("node: a seal while the HSM checks the PIN wins") {
  Node node(api::SealType::shamir);
  node.control.learn(node.row);
  node.during_check = [&] { node.control.seal(); };
  node.give(0);
  const auto last = node.give(1);
  node.control.work(true);
  REQUIRE(*last);
  CHECK((**last)->sealed);
  CHECK(node.control.sealed());
  CHECK_FALSE(node.control.pin());
}

TEST_CASE("node: standing back ends by itself or when it is told") {
  Node node(api::SealType::automatic);
  node.control.learn(node.row);
  struct Row {
    std::optional<Seconds> length;
    std::chrono::seconds after;
    bool candidate;
  };
  for (const auto& [length, after, candidate] :
       {Row{Seconds{10}, 9s, false}, Row{Seconds{10}, 10s, true}, Row{std::nullopt, 100h, false},
        Row{Seconds{INT64_MAX}, 100h, false}}) {
    node.control.stand_back(length);
    CHECK_FALSE(node.control.is_candidate());
    CHECK(node.control.stands_back());
    node.clock.advance(after);
    CHECK(node.control.is_candidate() == candidate);
    node.control.volunteer();
    CHECK(node.control.is_candidate());
  }
}

TEST_CASE("node: who asks for a vault that is not there waits for a look") {
  Node node(api::SealType::shamir);
  std::vector<bool> seen;
  const auto look = [&] {
    node.control.look_again(
        [&](const api::ServiceStatus& status) { seen.push_back(status.initialized); });
  };
  CHECK_FALSE(node.control.begin_look());
  look();
  CHECK(node.control.begin_look());
  look();  // too late for this one
  node.control.learn(node.row);
  node.control.up_to_date();
  CHECK(seen == std::vector<bool>{true});
  CHECK(node.control.begin_look());
  node.control.up_to_date();
  CHECK(seen == std::vector<bool>{true, true});
  look();  // there is one: nobody waits
  CHECK(seen.size() == 3);
}

TEST_CASE("node: one that never sees the log keeps nobody waiting") {
  Node node(api::SealType::shamir);
  std::vector<bool> seen;
  const auto look = [&] {
    node.control.look_again(
        [&](const api::ServiceStatus& status) { seen.push_back(status.initialized); });
  };
  look();  // no look was begun
  node.control.cannot_look();
  CHECK(seen == std::vector<bool>{false});
  look();
  CHECK(node.control.begin_look());
  look();
  node.control.cannot_look();
  CHECK(seen == std::vector<bool>{false, false, false});
  CHECK_FALSE(node.control.begin_look());
}

}  // namespace
}  // namespace coffer::server
