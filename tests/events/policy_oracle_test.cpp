// The evaluator against an oracle: a flat list of rules and the priority rules of docs/policies.md,
// taken literally. Tiny alphabets, so that patterns collide with each other and with paths.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/policy/policy_evaluator.h"

namespace {

using namespace coffer;
using policy::Capabilities;
using policy::Operation;

struct OracleRule {
  std::string pattern;
  Capabilities capabilities;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == '/')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

bool ends_in_star(const std::string& pattern) {
  return !pattern.empty() && pattern.back() == '*';
}

long plus_segments(const std::string& pattern) {
  const auto parts = split(pattern);
  return std::count(parts.begin(), parts.end(), "+");
}

bool is_wildcard(const std::string& pattern) {
  return ends_in_star(pattern) || plus_segments(pattern) > 0;
}

// A '+' is exactly one segment; a '*' at the very end is any rest of the path.
bool matches(std::string pattern, const std::string& path) {
  const bool star = ends_in_star(pattern);
  if (star) pattern.pop_back();
  const auto wanted = split(pattern);
  const auto given = split(path);
  if (given.size() < wanted.size() || (!star && given.size() != wanted.size())) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "+" || wanted[i] == given[i]) continue;
    const bool last = i + 1 == wanted.size();
    const bool begins_alike = given[i].substr(0, wanted[i].size()) == wanted[i];
    if (!star || !last || !begins_alike) return false;
  }
  return true;
}

// True when p1 has lower priority than p2.
bool lower(const std::string& p1, const std::string& p2) {
  const auto first1 = p1.find_first_of("+*"), first2 = p2.find_first_of("+*");
  if (first1 != first2) return first1 < first2;
  if (ends_in_star(p1) != ends_in_star(p2)) return ends_in_star(p1);
  if (plus_segments(p1) != plus_segments(p2)) return plus_segments(p1) > plus_segments(p2);
  if (p1.size() != p2.size()) return p1.size() < p2.size();
  return p1 < p2;
}

std::optional<std::string> best_wildcard(const std::vector<OracleRule>& rules,
                                         const std::string& path) {
  std::optional<std::string> best;
  for (const OracleRule& rule : rules) {
    if (!is_wildcard(rule.pattern) || !matches(rule.pattern, path)) continue;
    if (!best || lower(*best, rule.pattern)) best = rule.pattern;
  }
  return best;
}

bool has_exact(const std::vector<OracleRule>& rules, const std::string& path) {
  return std::any_of(rules.begin(), rules.end(), [&](const OracleRule& rule) {
    return !is_wildcard(rule.pattern) && rule.pattern == path;
  });
}

std::optional<std::string> winner(const std::vector<OracleRule>& rules, const std::string& path,
                                  bool is_list) {
  if (has_exact(rules, path)) return path;
  const bool slash = is_list && !path.empty() && path.back() == '/';
  const std::string trimmed = slash ? path.substr(0, path.size() - 1) : path;
  if (slash && has_exact(rules, trimmed)) return trimmed;
  if (auto best = best_wildcard(rules, path)) return best;
  return slash ? best_wildcard(rules, trimmed) : std::nullopt;
}

Capabilities united(const std::vector<OracleRule>& rules, const std::string& pattern) {
  Capabilities all = 0;
  for (const OracleRule& rule : rules) {
    if (rule.pattern == pattern) all |= rule.capabilities;
  }
  return (all & policy::kDeny) != 0 ? Capabilities{policy::kDeny} : all;
}

rc::Gen<std::string> joined_segments(const std::vector<std::string>& segments,
                                     std::size_t count_max) {
  return rc::gen::mapcat(rc::gen::inRange<std::size_t>(1, count_max + 1), [=](std::size_t count) {
    return rc::gen::map(
        rc::gen::container<std::vector<std::string>>(count, rc::gen::elementOf(segments)),
        [](const std::vector<std::string>& parts) {
          std::string text;
          for (const std::string& part : parts) text += (&part == &parts.front() ? "" : "/") + part;
          return text;
        });
  });
}

std::string random_pattern() {
  auto pattern = *joined_segments({"a", "b", "ab", "+", "+", ""}, 4);
  if (*rc::gen::inRange(0, 5) < 2) pattern += pattern.ends_with('+') ? "/*" : "*";
  if (pattern.starts_with('/')) pattern.insert(0, 1, 'a');  // a leading slash would be dropped
  return pattern;
}

Capabilities random_capabilities() {
  return *rc::gen::weightedElement<Capabilities>({{6, policy::kRead},
                                                  {3, policy::kList},
                                                  {3, policy::kRead | policy::kList},
                                                  {1, policy::kDeny},
                                                  {1, Capabilities{0}}});
}

// A path near a pattern is a match far more often than a random one.
std::string random_path(const std::vector<OracleRule>& rules) {
  if (rules.empty() || *rc::gen::inRange(0, 2) == 0) {
    return *joined_segments({"a", "b", "ab", ""}, 4);
  }
  std::string path = (*rc::gen::elementOf(rules)).pattern;
  for (auto at = path.find_first_of("+*"); at != std::string::npos; at = path.find_first_of("+*")) {
    path.replace(at, 1, *rc::gen::element<std::string>("a", "b", "ab", ""));
  }
  return path + *rc::gen::element<std::string>("", "", "/", "/a", "b");
}

std::shared_ptr<const policy::AccessList> list_of(const std::vector<OracleRule>& rules,
                                                  std::size_t policies) {
  std::vector<policy::PolicyDocument> documents(policies);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    policy::PathRule rule;
    rule.pattern = rules[i].pattern;
    rule.capabilities = rules[i].capabilities;
    documents[i % policies].rules.push_back(rule);
  }
  std::vector<const policy::PolicyDocument*> pointers;
  for (const auto& document : documents) pointers.push_back(&document);
  return policy::AccessList::build(pointers);
}

void check_path(const policy::AccessList& list, const std::vector<OracleRule>& rules,
                const std::string& path) {
  for (const Operation operation : {Operation::read, Operation::list, Operation::scan}) {
    const bool is_list = operation != Operation::read;
    const auto expected = winner(rules, path, is_list);
    const Capabilities granted = expected ? united(rules, *expected) : Capabilities{0};
    const policy::Decision decision = list.decide({.operation = operation, .path = path});
    RC_ASSERT(decision.matched_pattern == expected.value_or(""));
    RC_ASSERT(decision.capabilities == granted);
    const Capabilities needed = operation == Operation::read   ? policy::kRead
                                : operation == Operation::list ? policy::kList
                                                               : policy::kScan;
    RC_ASSERT(decision.allowed == ((granted & needed) != 0));
    if (is_list) RC_ASSERT(list.capabilities(path) == (granted == policy::kDeny ? 0 : granted));
  }
}

TEST_CASE("policy: the evaluator decides as the naive oracle") {
  std::size_t matched = 0;
  REQUIRE(rc::check([&] {
    std::vector<OracleRule> rules;
    for (int i = *rc::gen::inRange(0, 12); i > 0; --i) {
      rules.push_back({random_pattern(), random_capabilities()});
    }
    const auto list = list_of(rules, *rc::gen::inRange<std::size_t>(1, 4));
    for (int i = 0; i < 30; ++i) {
      const std::string path = random_path(rules);
      matched += winner(rules, path, false).has_value() ? 1 : 0;
      check_path(*list, rules, path);
    }
  }));
  CHECK(matched > 500);  // of 3,000: the property would be empty if hardly any path matched
}

// Every path of up to three short segments, for rule sets of three: small but complete.
TEST_CASE("policy: the evaluator decides as the naive oracle on all short paths") {
  std::vector<std::string> paths;
  const std::vector<std::string> segments = {"", "a", "b", "ab"};
  for (const auto& x : segments) {
    paths.push_back(x);
    for (const auto& y : segments) {
      paths.push_back(x + "/" + y);
      for (const auto& z : segments) paths.push_back(x + "/" + y + "/" + z);
    }
  }
  REQUIRE(rc::check([&] {
    std::vector<OracleRule> rules;
    for (int i = 0; i < 3; ++i) rules.push_back({random_pattern(), random_capabilities()});
    const auto list = list_of(rules, 1);
    for (const std::string& path : paths) check_path(*list, rules, path);
  }));
}

}  // namespace
