#include "events/policy/parameter_check.h"

#include <algorithm>

namespace coffer::policy {
namespace {

constexpr std::size_t kNameBytesMax = 64;  // of a name in a refusal: the client chooses it

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Compares the lower-cased `given` to `name` as std::string_view::compare would.
int compare_lowered(std::string_view given, std::string_view name) noexcept {
  const std::size_t common = std::min(given.size(), name.size());
  for (std::size_t i = 0; i < common; ++i) {
    const auto a = static_cast<unsigned char>(lower(given[i]));
    const auto b = static_cast<unsigned char>(name[i]);
    if (a != b) return a < b ? -1 : 1;
  }
  if (given.size() == name.size()) return 0;
  return given.size() < name.size() ? -1 : 1;
}

const ParameterRule* find_rule(const std::vector<ParameterRule>& rules,
                               std::string_view given) noexcept {
  const auto found = std::lower_bound(rules.begin(), rules.end(), given,
                                      [](const ParameterRule& rule, std::string_view wanted) {
                                        return compare_lowered(wanted, rule.name) > 0;
                                      });
  if (found == rules.end() || compare_lowered(given, found->name) != 0) return nullptr;
  return &*found;
}

// A '*' at either end of `wanted` stands for any text; alone it is only itself.
bool matches_glob(std::string_view wanted, std::string_view given) noexcept {
  if (wanted.size() < 2) return wanted == given;
  const bool open_start = wanted.starts_with('*');
  const bool open_end = wanted.ends_with('*');
  std::string_view fixed = wanted;
  if (open_start) fixed.remove_prefix(1);
  if (open_end) fixed.remove_suffix(1);
  if (open_start && open_end) return given.find(fixed) != std::string_view::npos;
  if (open_start) return given.ends_with(fixed);
  if (open_end) return given.starts_with(fixed);
  return given == wanted;
}

bool equal(const json::Value& a, const json::Value& b) noexcept {
  if (a.kind() != b.kind() || a.boolean() != b.boolean() || a.text() != b.text()) return false;
  const auto same_member = [&](const json::Member& member) {
    const json::Value* other = b.find(member.key);
    return other != nullptr && equal(*member.value, *other);
  };
  return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
                    [](const auto* x, const auto* y) { return equal(*x, *y); }) &&
         a.members().size() == b.members().size() &&
         std::all_of(a.members().begin(), a.members().end(), same_member);
}

bool covers(const ParameterRule& rule, const json::Value& given) noexcept {
  if (rule.values.empty()) return true;
  return std::any_of(rule.values.begin(), rule.values.end(), [&](const json::Value* wanted) {
    if (wanted->is_string() && given.is_string()) return matches_glob(wanted->text(), given.text());
    return equal(*wanted, given);
  });
}

std::string name_of(std::string_view name) {
  return "parameter " + std::string(name.substr(0, kNameBytesMax));
}

}  // namespace

const json::Value* find_parameter(const json::Value* parameters, std::string_view name) noexcept {
  if (parameters == nullptr) return nullptr;
  for (const json::Member& member : parameters->members()) {
    if (compare_lowered(member.key, name) == 0) return member.value;
  }
  return nullptr;
}

std::string refused_parameter(const Rule& rule, const json::Value* parameters) {
  for (const std::string& name : rule.required) {
    if (find_parameter(parameters, name) == nullptr) return name_of(name);
  }
  if (parameters == nullptr) return {};
  const bool denies_all = find_rule(rule.denied, "*") != nullptr;
  const bool allows_all = rule.allowed.empty() || find_rule(rule.allowed, "*") != nullptr;
  for (const json::Member& member : parameters->members()) {
    if (denies_all) return name_of(member.key);
    const ParameterRule* denied = find_rule(rule.denied, member.key);
    if (denied != nullptr && covers(*denied, *member.value)) return name_of(member.key);
    const ParameterRule* allowed = find_rule(rule.allowed, member.key);
    if (allowed == nullptr ? !allows_all : !covers(*allowed, *member.value)) {
      return name_of(member.key);
    }
  }
  return {};
}

}  // namespace coffer::policy
