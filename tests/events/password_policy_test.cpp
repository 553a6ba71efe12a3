// Password policies: what they may say, and that passwords keep them.
#include "events/policy/password_policy.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>

#include "tests/support/seeded_random.h"

namespace coffer::policy {
namespace {

using testing::SeededRandom;

constexpr std::string_view kUsual = R"(
length = 20
rule "charset" {
  charset = "abcdefghijklmnopqrstuvwxyz"
  min-chars = 1
}
rule "charset" {
  charset = "0123456789"
  min-chars = 2
}
)";

std::string policy_of(std::string_view length, std::string_view rules) {
  return "length = " + std::string(length) + "\n" + std::string(rules);
}
std::string rule(std::string_view charset, std::string_view min_chars) {
  return "rule \"charset\" { charset = \"" + std::string(charset) +
         "\" min-chars = " + std::string(min_chars) + " }\n";
}

TEST_CASE("a password policy is read") {
  const auto usual = parse_password_policy(kUsual);
  REQUIRE(usual.ok());
  CHECK(usual->length == 20);
  REQUIRE(usual->rules.size() == 2);
  CHECK(usual->rules[1] == CharsetRule{"0123456789", 2});
  CHECK(usual->alphabet == "0123456789abcdefghijklmnopqrstuvwxyz");
}

TEST_CASE("what a password policy may not say") {
  const std::string rows[] = {
      "",
      "length = 20",
      policy_of("3", rule("abc", "0")),
      policy_of("101", rule("abc", "0")),
      policy_of("-4", rule("abc", "0")),
      policy_of("4.5", rule("abc", "0")),
      policy_of("\"20\"", rule("abc", "0")),
      policy_of("20", rule("", "0")),
      policy_of("20", rule("a\\u00e4", "0")),
      policy_of("20", rule("a\\tb", "0")),
      policy_of("20", rule("abc", "-1")),
      policy_of("20", rule("abc", "21")),
      policy_of("20", rule("abc", "11") + rule("xyz", "10")),
      policy_of("20", "rule \"words\" { charset = \"abc\" }"),
      policy_of("20", "rule \"charset\" { letters = \"abc\" }"),
      policy_of("20", "rule \"charset\" { min-chars = 1 }"),
      policy_of("20", rule("abc", "0")) + "words = 3",
      policy_of("20", "rule = 3"),
      policy_of("20",
                [] {
                  std::string many;
                  for (std::size_t i = 0; i <= kCharsetRulesMax; ++i) many += rule("abc", "0");
                  return many;
                }()),
      policy_of("20", rule("abc", "0")) + std::string(kPasswordPolicyBytesMax, '#'),
  };
  for (const auto& text : rows) {
    CAPTURE(text);
    const auto parsed = parse_password_policy(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("every character of the alphabet is equally likely") {
  const auto policy = parse_password_policy(policy_of("100", rule("abc", "0")));
  REQUIRE(policy.ok());
  SeededRandom random(7);
  std::map<char, unsigned> counts;
  for (int i = 0; i < 300; ++i) {
    const auto password = generate_password(*policy, random);
    REQUIRE(password.ok());
    for (const char c : password->expose_text()) ++counts[c];
  }
  REQUIRE(counts.size() == 3);
  // 30000 draws: five standard deviations are 408.
  for (const auto& [c, count] : counts) CHECK(std::abs(static_cast<int>(count) - 10'000) < 408);
}

TEST_CASE("a policy that hardly any draw keeps is refused, and a draw ends") {
  // All ten digits in ten characters: 10! / 10^10, four in ten thousand.
  std::string rules;
  for (char c = '0'; c <= '9'; ++c) rules += rule(std::string(1, c), "1");
  const auto strict = parse_password_policy(policy_of("10", rules));
  REQUIRE(strict.ok());
  SeededRandom random(7);
  CHECK_FALSE(check_generates(*strict, random).ok());
  const auto usual = parse_password_policy(kUsual);
  REQUIRE(usual.ok());
  CHECK(check_generates(*usual, random).ok());
  // A source that never gives the second character of the alphabet.
  class Zeros final : public Random {
    void fill(std::span<std::uint8_t> out) noexcept override { std::ranges::fill(out, 0); }
  } zeros;
  const auto two = parse_password_policy(policy_of("4", rule("a", "1") + rule("b", "1")));
  REQUIRE(two.ok());
  const auto never = generate_password(*two, zeros);
  REQUIRE_FALSE(never.ok());
  CHECK(never.error().code == ErrorCode::unavailable);
}

TEST_CASE("property: passwords have the length and keep every rule") {
  rc::check([] {
    PasswordPolicy policy;
    const auto count = *rc::gen::inRange(1, 4);
    std::size_t wanted = 0;
    std::string text;
    for (int i = 0; i < count; ++i) {
      auto charset = *rc::gen::nonEmpty(
          rc::gen::container<std::string>(rc::gen::elementOf(std::string("abcXYZ019_$ "))));
      const auto min = *rc::gen::inRange<std::size_t>(0, 3);
      wanted += min;
      text += rule(charset, std::to_string(min));
    }
    const auto length =
        std::max(kPasswordLengthMin, wanted) + *rc::gen::inRange<std::size_t>(4, 30);
    const auto parsed = parse_password_policy(policy_of(std::to_string(length), text));
    RC_ASSERT(parsed.ok());
    SeededRandom random(*rc::gen::arbitrary<std::uint64_t>());
    if (!check_generates(*parsed, random)) return;
    const auto password = generate_password(*parsed, random);
    RC_ASSERT(password.ok());
    RC_ASSERT(password->size() == length);
    for (const auto& kept : parsed->rules) {
      const auto found = std::ranges::count_if(password->expose_text(), [&](char c) {
        return kept.charset.find(c) != std::string::npos;
      });
      RC_ASSERT(static_cast<std::size_t>(found) >= kept.min_chars);
    }
  });
}

}  // namespace
}  // namespace coffer::policy
