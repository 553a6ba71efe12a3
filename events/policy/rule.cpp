#include "events/policy/rule.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "events/policy/parameter_check.h"

namespace coffer::policy {
namespace {

void merge_parameters(ParameterRules& merged, const ParameterRules& more) {
  for (const auto& [name, values] : more) {
    const auto [place, added] = merged.try_emplace(name, values);
    if (added) continue;
    if (place->second.empty() || values.empty()) {
      place->second.clear();
    } else {
      place->second.insert(place->second.end(), values.begin(), values.end());
    }
  }
}

void keep_smaller(std::optional<Seconds>& merged, const std::optional<Seconds>& more) {
  if (more && (!merged || *more < *merged)) merged = more;
}

template <class T>
void sort_unique(std::vector<T>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

std::vector<ParameterRule> compile_parameters(const ParameterRules& rules, json::Document& values) {
  std::vector<ParameterRule> compiled;
  for (const auto& [name, texts] : rules) {
    ParameterRule& parameter = compiled.emplace_back(ParameterRule{name, {}});
    auto unique_texts = texts;
    sort_unique(unique_texts);
    for (const std::string& text : unique_texts) {
      // Written by parse_policy, which has bounded it: no limit may fail here.
      const auto parsed = json::Document::parse(
          text, {.depth_max = 64, .nodes_max = std::numeric_limits<std::size_t>::max()});
      COFFER_CHECK(parsed.ok());
      parameter.values.push_back(values.adopt(parsed->root()));
    }
  }
  return compiled;
}

// A limited answer is the caller's to cut; here only a request for more than the limit is refused.
bool asks_too_much(const Rule& rule, const json::Value* parameters) {
  if (rule.pagination_limit == 0) return false;
  const json::Value* limit = find_parameter(parameters, "limit");
  if (limit == nullptr) {
    return std::binary_search(rule.required.begin(), rule.required.end(), "limit");
  }
  const std::string_view text = limit->text();
  if (limit->is_string() && text == "max") return false;
  std::uint32_t asked = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), asked);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  return !whole || asked > rule.pagination_limit;
}

bool wrapped_within_limits(const Rule& rule, Seconds wrap_ttl) noexcept {
  const Seconds min = rule.min_wrapping_ttl;
  const Seconds max = rule.max_wrapping_ttl;
  if (min.count == 0 && max.count == 0) return true;
  if (wrap_ttl.count <= 0) return false;
  return wrap_ttl >= min && (max.count == 0 || wrap_ttl <= max);
}

}  // namespace

void merge_into(PathRule& merged, const PathRule& more) {
  merged.capabilities |= more.capabilities;
  if ((merged.capabilities & kDeny) != 0) merged.capabilities = kDeny;
  merge_parameters(merged.allowed_parameters, more.allowed_parameters);
  merge_parameters(merged.denied_parameters, more.denied_parameters);
  merged.required_parameters.insert(merged.required_parameters.end(),
                                    more.required_parameters.begin(),
                                    more.required_parameters.end());
  keep_smaller(merged.min_wrapping_ttl, more.min_wrapping_ttl);
  keep_smaller(merged.max_wrapping_ttl, more.max_wrapping_ttl);
  if (more.pagination_limit != 0 &&
      (merged.pagination_limit == 0 || more.pagination_limit < merged.pagination_limit)) {
    merged.pagination_limit = more.pagination_limit;
  }
}

Rule compile(const PathRule& merged, json::Document& values) {
  Rule rule{.pattern = PathPattern(merged.pattern),
            .capabilities = merged.capabilities,
            .allowed = compile_parameters(merged.allowed_parameters, values),
            .denied = compile_parameters(merged.denied_parameters, values),
            .required = merged.required_parameters,
            .min_wrapping_ttl = merged.min_wrapping_ttl.value_or(Seconds{0}),
            .max_wrapping_ttl = merged.max_wrapping_ttl.value_or(Seconds{0}),
            .pagination_limit = merged.pagination_limit};
  sort_unique(rule.required);
  return rule;
}

std::string refusal(const Rule& rule, const AccessRequest& request) {
  if ((rule.capabilities & kDeny) != 0) return "deny";
  if ((rule.capabilities & required_capability(request.operation)) == 0) return "capability";
  if (request.needs_sudo && (rule.capabilities & kSudo) == 0) return "sudo";
  if (!wrapped_within_limits(rule, request.wrap_ttl)) return "wrapping";
  switch (request.operation) {
    case Operation::read:
    case Operation::create:
    case Operation::update:
    case Operation::patch:
      return refused_parameter(rule, request.parameters);
    case Operation::list:
    case Operation::scan:
      return asks_too_much(rule, request.parameters) ? "parameter limit" : "";
    case Operation::remove:
      break;
  }
  return "";
}

}  // namespace coffer::policy
