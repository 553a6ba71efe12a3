// ACL policy text -> rules. Accepts Vault's HCL1 subset and the same as JSON.
// Source: wire-compatible with Vault/OpenBao ACL policies; see docs/policies.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/result.h"
#include "events/base/time.h"
#include "events/policy/path_template.h"

namespace coffer::policy {

enum Capability : std::uint16_t {
  kCreate = 1 << 0,
  kRead = 1 << 1,
  kUpdate = 1 << 2,
  kPatch = 1 << 3,
  kDelete = 1 << 4,
  kList = 1 << 5,
  kSudo = 1 << 6,
  kDeny = 1 << 7,
  kScan = 1 << 8,
  kSubscribe = 1 << 9,
  kRecover = 1 << 10,
};
using Capabilities = std::uint16_t;

// Sorted names of the set bits ("create", "delete", ...).
[[nodiscard]] std::vector<std::string> capability_names(Capabilities capabilities);

// Lower-cased parameter name -> allowed or denied values as JSON text; empty list = any value.
using ParameterRules = std::map<std::string, std::vector<std::string>>;

struct PathRule {
  std::string pattern;  // without leading '/'; may contain '+' segments and end in '*'
  Capabilities capabilities = 0;
  // Absent and empty differ: an empty `allowed_parameters = {}` block restricts nothing.
  ParameterRules allowed_parameters;
  ParameterRules denied_parameters;
  std::vector<std::string> required_parameters;  // lower-cased
  std::optional<Seconds> min_wrapping_ttl;
  std::optional<Seconds> max_wrapping_ttl;
  std::uint32_t pagination_limit = 0;
  std::optional<PathTemplate> path_template = {};  // of a pattern with braces
};

struct PolicyDocument {
  std::vector<PathRule> rules;
};

// Limits: 1 MiB of text, 10,000 rules, nesting 16.
// Errors: invalid_argument with the text a Vault client expects after "failed to parse policy: ".
[[nodiscard]] Result<PolicyDocument> parse_policy(std::string_view text);

// The text of the built-in `default` policy.
[[nodiscard]] std::string_view default_policy_text() noexcept;
// The text of the built-in `response-wrapping` policy, that of wrapping tokens.
[[nodiscard]] std::string_view response_wrapping_policy_text() noexcept;

}  // namespace coffer::policy
