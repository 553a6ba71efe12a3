#include "actors/share_collector.h"

#include <doctest/doctest.h>

#include "hsm/shamir.h"
#include "tests/support/seeded_random.h"

namespace coffer::actors {
namespace {

struct Split {
  Split(unsigned shares, unsigned threshold) : scheme{threshold, shares} {
    SecretBytes entropy(kPinEntropyBytes);
    random.fill(entropy.writable());
    pin = pin_of(entropy);
    auto made = hsm::split_secret(entropy, shares, threshold, random);
    REQUIRE(made.ok());
    parts = std::move(*made);
  }
  testing::SeededRandom random{1};
  ShareScheme scheme;
  SecretBytes pin;
  std::vector<SecretBytes> parts;
};

TEST_CASE("shares: enough of them make the PIN, in any order") {
  struct Row {
    unsigned shares;
    unsigned threshold;
    std::vector<std::size_t> given;
  };
  for (const auto& [shares, threshold, given] :
       {Row{1, 1, {0}}, Row{5, 3, {0, 1, 2}}, Row{5, 3, {4, 2, 0}}, Row{5, 3, {1, 1, 3, 3, 2}},
        Row{2, 2, {1, 0}}}) {
    Split split(shares, threshold);
    ShareCollector collector;
    for (std::size_t i = 0; i < given.size(); ++i) {
      auto pin = collector.add(split.parts[given[i]].clone(), split.scheme, split.random);
      REQUIRE(pin.ok());
      const bool last = i + 1 == given.size();
      CHECK(pin->has_value() == last);
      if (last) CHECK((*pin)->equals(split.pin.expose()));
      CHECK(collector.nonce().empty() == last);
    }
    CHECK(collector.progress() == 0);
  }
}

TEST_CASE("shares: of the wrong length, reset, and of another secret") {
  Split split(3, 2);
  ShareCollector collector;
  for (const std::size_t size : {std::size_t{0}, kPinEntropyBytes, kPinEntropyBytes + 2}) {
    const auto refused = collector.add(SecretBytes(size), split.scheme, split.random);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message == "key is shorter or longer than 33 bytes");
  }
  CHECK(collector.progress() == 0);
  REQUIRE(collector.add(split.parts[0].clone(), split.scheme, split.random).ok());
  CHECK(collector.progress() == 1);
  const auto nonce = collector.nonce();
  collector.reset();
  CHECK(collector.progress() == 0);
  REQUIRE(collector.add(split.parts[0].clone(), split.scheme, split.random).ok());
  CHECK(collector.nonce() != nonce);
  // A share number that is there already, with another content.
  auto forged = split.parts[0].clone();
  forged.writable()[0] ^= 1;
  const auto refused = collector.add(std::move(forged), split.scheme, split.random);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message == "unseal failed, invalid key");
  CHECK(collector.progress() == 0);
}

TEST_CASE("shares: of the key that the PIN is sealed under") {
  testing::SeededRandom random{1};
  SecretBytes entropy(kPinEntropyBytes), unseal_key(kPinEntropyBytes), other_key(kPinEntropyBytes);
  for (auto* bytes : {&entropy, &unseal_key, &other_key}) random.fill(bytes->writable());
  codec::VaultRow row;
  row.shares = 3;
  row.threshold = 2;
  row.cluster_id = random_id<Id128<codec::ClusterTag>>(random);
  row.sealed_pin = seal_pin(unseal_key, row.cluster_id, entropy);
  auto elsewhere = row;
  elsewhere.cluster_id.bytes[0] ^= 1;
  struct Row {
    const SecretBytes* split;
    codec::VaultRow vault;
    bool opens;
  };
  for (const auto& [split, vault, opens] :
       {Row{&unseal_key, row, true}, Row{&other_key, row, false}, Row{&entropy, row, false},
        Row{&unseal_key, elsewhere, false}}) {
    const auto shares = hsm::split_secret(*split, 3, 2, random);
    REQUIRE(shares.ok());
    ShareCollector collector;
    REQUIRE(collector.add((*shares)[2].clone(), scheme_of(vault), random).ok());
    const auto pin = collector.add((*shares)[0].clone(), scheme_of(vault), random);
    CHECK(pin.ok() == opens);
    if (opens)
      CHECK((*pin)->equals(pin_of(entropy).expose()));
    else
      CHECK(pin.error().message == "unseal failed, invalid key");
    CHECK(collector.progress() == 0);
  }
}

}  // namespace
}  // namespace coffer::actors
