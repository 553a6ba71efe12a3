// The cache of verified tokens: whose they are, how long they live, how many there are.
#include <doctest/doctest.h>

#include <string>

#include "net/authn/verified_token_cache.h"
#include "tests/authn/token_forge.h"

namespace {

using namespace coffer;
using namespace coffer::authn;
using namespace coffer::test;

constexpr Timestamp at(std::int64_t seconds) {
  return {seconds * 1'000'000'000};
}

std::string token_of(const std::string& subject) {
  return forge(ForgeKey::p256, Algorithm::es256, R"({"alg":"ES256"})",
               R"({"sub":")" + subject + R"(","exp":4000000000})");
}

VerifiedTokenPtr verified(const std::string& token) {
  auto judged = verify_token(token, KeySet({verification_key(ForgeKey::p256, "")}));
  REQUIRE(judged.ok());
  return *judged;
}

}  // namespace

TEST_CASE("a token is found by the same mount and generation until it ends") {
  VerifiedTokenCache cache(10, Seconds{300});
  const std::string token = token_of("a");
  const auto good = verified(token);
  cache.insert({"t/jwt", 1}, token, good, at(1000), at(1100));
  CHECK(cache.find({"t/jwt", 1}, token, at(1099)) == good);
  CHECK(cache.find({"t/jwt", 2}, token, at(1099)) == nullptr);
  CHECK(cache.find({"t/jwt2", 1}, token, at(1099)) == nullptr);
  CHECK(cache.find({"t/jwt", 1}, token_of("b"), at(1099)) == nullptr);
  CHECK(cache.find({"t/jwt", 1}, token + "A", at(1099)) == nullptr);
  CHECK(cache.find({"t/jwt", 1}, token, at(1100)) == nullptr);
  CHECK(cache.size() == 0);
}

TEST_CASE("an entry lives no longer than the bound, and an ended token is not kept") {
  VerifiedTokenCache cache(10, Seconds{300});
  const std::string token = token_of("a");
  cache.insert({"m", 1}, token, verified(token), at(1000), at(5000));
  CHECK(cache.find({"m", 1}, token, at(1299)) != nullptr);
  CHECK(cache.find({"m", 1}, token, at(1300)) == nullptr);
  cache.insert({"m", 1}, token, verified(token), at(1000), at(1000));
  CHECK(cache.size() == 0);
  cache.insert({"m", 1}, std::string(kCachedTokenBytesMax + 1, 'a'), verified(token), at(1), at(9));
  CHECK(cache.size() == 0);
}

TEST_CASE("the least recently used entry makes room") {
  VerifiedTokenCache cache(2, Seconds{300});
  const std::string a = token_of("a"), b = token_of("b"), c = token_of("c");
  for (const auto& token : {a, b})
    cache.insert({"m", 1}, token, verified(token), at(1000), at(1100));
  CHECK(cache.find({"m", 1}, a, at(1001)) != nullptr);
  cache.insert({"m", 1}, c, verified(c), at(1002), at(1100));
  CHECK(cache.size() == 2);
  CHECK(cache.find({"m", 1}, b, at(1003)) == nullptr);
  CHECK(cache.find({"m", 1}, a, at(1003)) != nullptr);
  CHECK(cache.find({"m", 1}, c, at(1003)) != nullptr);
}
