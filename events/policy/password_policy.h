// Password policies in Vault's notation, and passwords made by them. Pure.
//
//   length = 20
//   rule "charset" { charset = "abcdefghij" min-chars = 1 }
//
// A password is `length` characters, each drawn evenly and independently from all charsets
// together; one that breaks a rule is thrown away as a whole, so every password that keeps the
// rules is equally likely. A policy that hardly any draw fits is to be refused when it is written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "events/base/ports.h"
#include "events/base/result.h"
#include "events/base/secret_bytes.h"

namespace coffer::policy {

inline constexpr std::size_t kPasswordLengthMin = 4;
inline constexpr std::size_t kPasswordLengthMax = 100;
inline constexpr std::size_t kPasswordPolicyBytesMax = 16 * 1024;
inline constexpr std::size_t kCharsetRulesMax = 32;
inline constexpr unsigned kPasswordDrawsMax = 2000;  // whole passwords tried for one

struct CharsetRule {
  std::string charset;  // printable ASCII, sorted, none twice
  std::size_t min_chars = 0;
  friend bool operator==(const CharsetRule&, const CharsetRule&) = default;
};
struct PasswordPolicy {
  std::size_t length = 0;
  std::vector<CharsetRule> rules;  // at least one
  std::string alphabet;            // of all rules, sorted, none twice
};

// `text` is HCL. invalid_argument says what is wrong; no password is drawn.
[[nodiscard]] Result<PasswordPolicy> parse_password_policy(std::string_view text);
// unavailable: kPasswordDrawsMax draws did not give one that keeps the rules.
[[nodiscard]] Result<SecretBytes> generate_password(const PasswordPolicy& policy, Random& random);
// Draws to see that generate_password will not fail in practice: of 1000 draws 20 must keep the
// rules, and with a chance of 1 in 100 a password fails less than once in 10^8 times.
// invalid_argument otherwise.
[[nodiscard]] Result<void> check_generates(const PasswordPolicy& policy, Random& random);

}  // namespace coffer::policy
