// One rule of an AccessList: the rules of a pattern from all policies, merged and ready to ask.
// Immutable after build; shared between threads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "events/json/json_value.h"
#include "events/policy/path_pattern.h"
#include "events/policy/policy_document.h"
#include "events/policy/policy_evaluator.h"

namespace coffer::policy {

struct ParameterRule {
  std::string name;                        // lower-cased
  std::vector<const json::Value*> values;  // empty: any value
};

struct Rule {
  PathPattern pattern;
  Capabilities capabilities = 0;
  std::vector<ParameterRule> allowed;  // sorted by name
  std::vector<ParameterRule> denied;   // sorted by name
  std::vector<std::string> required;   // lower-cased, sorted
  Seconds min_wrapping_ttl{0};         // 0 = no limit
  Seconds max_wrapping_ttl{0};
  std::uint32_t pagination_limit = 0;

  [[nodiscard]] bool grants() const noexcept {
    return capabilities != 0 && (capabilities & kDeny) == 0;
  }
};

// Adds what `more` says to `merged`, which is for the same pattern. Commutative.
void merge_into(PathRule& merged, const PathRule& more);

// The values of the rule's parameters move into `values`, which must outlive the result.
[[nodiscard]] Rule compile(const PathRule& merged, json::Document& values);

// Why `rule` refuses the request; empty when it allows it.
[[nodiscard]] std::string refusal(const Rule& rule, const AccessRequest& request);

}  // namespace coffer::policy
