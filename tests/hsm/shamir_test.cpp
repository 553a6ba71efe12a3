#include "hsm/shamir.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <thread>

#include "hsm/system_random.h"

namespace coffer::hsm {
namespace {

using Shares = std::vector<SecretBytes>;

SecretBytes secret_of(std::size_t size) {
  SecretBytes secret(size);
  SystemRandom random;
  random.fill(secret.writable());
  return secret;
}

Shares split(const SecretBytes& secret, unsigned shares, unsigned threshold) {
  SystemRandom random;
  auto split = split_secret(secret, shares, threshold, random);
  REQUIRE(split.ok());
  return std::move(split).value();
}

// The shares, among the first 32, whose bit is set.
Shares subset(const Shares& shares, unsigned mask) {
  Shares chosen;
  for (std::size_t i = 0; i < std::min<std::size_t>(shares.size(), 32); ++i)
    if ((mask >> i & 1) != 0) chosen.push_back(shares[i].clone());
  return chosen;
}

TEST_CASE("exactly the sets with enough shares give the secret, for all k of n up to 6") {
  for (unsigned n = 2; n <= 6; ++n) {
    for (unsigned k = 2; k <= n; ++k) {
      const auto secret = secret_of(32);
      const auto shares = split(secret, n, k);
      REQUIRE(shares.size() == n);
      for (unsigned mask = 1; mask < 1u << n; ++mask) {
        CAPTURE(n);
        CAPTURE(k);
        CAPTURE(mask);
        const auto combined = combine_shares(subset(shares, mask));
        REQUIRE(combined.ok());
        const bool enough = static_cast<unsigned>(std::popcount(mask)) >= k;
        CHECK(combined->equals(secret.expose()) == enough);
      }
    }
  }
}

TEST_CASE("the order of the shares does not matter") {
  const auto secret = secret_of(20);
  auto shares = split(secret, 5, 3);
  std::reverse(shares.begin(), shares.end());
  CHECK(combine_shares(shares)->equals(secret.expose()));
}

TEST_CASE("a share is the payload and its number") {
  const auto shares = split(secret_of(10), 4, 2);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    CHECK(shares[i].size() == 11);
    CHECK(shares[i].expose().back() == i + 1);
  }
}

TEST_CASE("the largest split works") {
  const auto secret = secret_of(64);
  CHECK(combine_shares(split(secret, 255, 255))->equals(secret.expose()));
  const auto of_three = split(secret, 255, 3);
  CHECK(combine_shares(subset(of_three, 0b10101))->equals(secret.expose()));
}

TEST_CASE("a single share is the secret itself") {
  const auto secret = secret_of(16);
  const auto shares = split(secret, 1, 1);
  REQUIRE(shares.size() == 1);
  CHECK(shares[0].equals(secret.expose()));
  CHECK(combine_shares(shares)->equals(secret.expose()));
}

TEST_CASE("two splits of one secret have nothing in common") {
  const auto secret = secret_of(32);
  const auto first = split(secret, 3, 2);
  const auto second = split(secret, 3, 2);
  for (std::size_t i = 0; i < 3; ++i) CHECK_FALSE(first[i].equals(second[i].expose()));
}

TEST_CASE("the coefficients come from the given source") {
  struct Counting final : Random {
    void fill(std::span<std::uint8_t> out) noexcept override {
      for (auto& byte : out) byte = static_cast<std::uint8_t>(++drawn * 37);
    }
    std::size_t drawn = 0;
  };
  const auto secret = secret_of(8);
  Counting first;
  Counting second;
  auto a = split_secret(secret, 3, 3, first);
  auto b = split_secret(secret, 3, 3, second);
  CHECK(first.drawn == 2 * 8);  // one for each byte and coefficient beside the secret
  for (std::size_t i = 0; i < 3; ++i) CHECK((*a)[i].equals((*b)[i].expose()));
  CHECK(combine_shares(*a)->equals(secret.expose()));
}

TEST_CASE("arguments out of range are refused") {
  SystemRandom random;
  struct Row {
    std::size_t size;
    unsigned shares;
    unsigned threshold;
  };
  for (const Row row : {Row{32, 0, 0}, Row{32, 3, 0}, Row{32, 3, 4}, Row{32, 256, 2},
                        Row{32, 300, 299}, Row{32, 3, 1}, Row{0, 3, 2}, Row{65537, 3, 2}}) {
    CAPTURE(row.shares);
    CAPTURE(row.threshold);
    const auto refused = split_secret(SecretBytes(row.size), row.shares, row.threshold, random);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("shares that do not belong together are refused") {
  auto shares_of = [](std::initializer_list<Bytes> all) {
    Shares shares;
    for (const auto& bytes : all) shares.emplace_back(BytesView(bytes));
    return shares;
  };
  struct Row {
    const char* rule;
    Shares shares;
  };
  Row rows[] = {{"none", {}},
                {"different lengths", shares_of({{1, 2, 1}, {1, 2}})},
                {"the same number twice", shares_of({{1, 2, 1}, {3, 4, 1}})},
                {"number 0", shares_of({{1, 2, 1}, {3, 4, 0}})},
                {"no payload", shares_of({{1}, {2}})},
                {"empty", shares_of({{}, {}})}};
  for (const auto& row : rows) {
    CAPTURE(row.rule);
    const auto refused = combine_shares(row.shares);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("an altered share gives another secret") {
  const auto secret = secret_of(16);
  auto shares = split(secret, 2, 2);
  shares[0].writable()[3] ^= 1;
  CHECK_FALSE(combine_shares(shares)->equals(secret.expose()));
}

TEST_CASE("threads split at the same time, each from its own source") {
  auto work = [](std::atomic<int>& wrong) {
    SystemRandom random;
    for (int i = 0; i < 300; ++i) {
      const auto secret = secret_of(32);
      auto shares = split_secret(secret, 3, 2, random);
      wrong += !combine_shares(*shares)->equals(secret.expose());
    }
  };
  std::atomic<int> wrong{0};
  std::thread a(work, std::ref(wrong)), b(work, std::ref(wrong));
  a.join();
  b.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace coffer::hsm
