#include "events/policy/policy_evaluator.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>

#include "events/json/json_value.h"
#include "events/policy/rule.h"

namespace coffer::policy {
namespace {

constexpr Capabilities kEverything =
    kCreate | kRead | kUpdate | kPatch | kDelete | kList | kSudo | kScan | kSubscribe | kRecover;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};

constexpr std::size_t kNoParent = SIZE_MAX;

// All wildcard rules whose first wildcard comes right after the same text.
struct Head {
  std::string text;
  std::size_t parent = kNoParent;  // the longest other head that this one begins with
  std::vector<Rule> rules;         // highest priority first
};

bool shows_keys(Operation operation) noexcept {
  return operation == Operation::list || operation == Operation::scan;
}

}  // namespace

// Exact rules by hash. Wildcard rules by head: a later first wildcard has priority over everything
// else, so that among the heads which a path begins with, the longest one that has a matching rule
// decides. These heads lie on one chain of parents, which starts at or above the last head that
// sorts before or with the path: whatever sorts between a head of the path and the path itself
// begins with that head too.
struct AccessList::Index {
  bool is_root = false;
  json::Document values;  // holds the parameter values that the rules point to
  std::unordered_map<std::string, Rule, TextHash, std::equal_to<>> exact;
  std::vector<Head> heads;  // sorted by text

  void add(std::map<std::string, PathRule>& merged);
  void link_heads();
  [[nodiscard]] const Rule* find_exact(std::string_view path) const;
  [[nodiscard]] const Rule* find_wildcard(std::string_view path) const;
  [[nodiscard]] const Rule* find(std::string_view path, bool is_list) const;
};

void AccessList::Index::add(std::map<std::string, PathRule>& merged) {
  std::map<std::string, std::vector<Rule>, std::less<>> by_head;
  for (const auto& [pattern, path_rule] : merged) {
    Rule rule = compile(path_rule, values);
    if (rule.pattern.is_exact()) {
      exact.emplace(pattern, std::move(rule));
    } else {
      by_head[std::string(rule.pattern.head())].push_back(std::move(rule));
    }
  }
  for (auto& [text, rules] : by_head) {
    std::sort(rules.begin(), rules.end(),
              [](const Rule& a, const Rule& b) { return has_priority(a.pattern, b.pattern); });
    heads.push_back({text, kNoParent, std::move(rules)});
  }
  link_heads();
}

void AccessList::Index::link_heads() {
  std::vector<std::size_t> open;  // the heads that the current one may begin with, shortest first
  for (std::size_t i = 0; i < heads.size(); ++i) {
    while (!open.empty() && !heads[i].text.starts_with(heads[open.back()].text)) open.pop_back();
    if (!open.empty()) heads[i].parent = open.back();
    open.push_back(i);
  }
}

const Rule* AccessList::Index::find_exact(std::string_view path) const {
  const auto found = exact.find(path);
  return found == exact.end() ? nullptr : &found->second;
}

const Rule* AccessList::Index::find_wildcard(std::string_view path) const {
  const auto after = std::upper_bound(
      heads.begin(), heads.end(), path,
      [](std::string_view wanted, const Head& head) { return wanted < head.text; });
  if (after == heads.begin()) return nullptr;
  auto i = static_cast<std::size_t>(after - heads.begin()) - 1;
  for (; i != kNoParent; i = heads[i].parent) {
    if (!path.starts_with(heads[i].text)) continue;
    for (const Rule& rule : heads[i].rules) {
      if (rule.pattern.matches(path)) return &rule;
    }
  }
  return nullptr;
}

const Rule* AccessList::Index::find(std::string_view path, bool is_list) const {
  const Rule* rule = find_exact(path);
  if (rule != nullptr) return rule;
  const bool has_slash = is_list && path.ends_with('/');
  const std::string_view trimmed = path.substr(0, path.size() - (has_slash ? 1 : 0));
  if (has_slash) rule = find_exact(trimmed);
  if (rule == nullptr) rule = find_wildcard(path);
  if (rule == nullptr && has_slash) rule = find_wildcard(trimmed);
  return rule;
}

std::string_view to_string(Operation operation) noexcept {
  switch (operation) {
    case Operation::read:
      return "read";
    case Operation::create:
      return "create";
    case Operation::update:
      return "update";
    case Operation::patch:
      return "patch";
    case Operation::remove:
      return "delete";
    case Operation::list:
      return "list";
    case Operation::scan:
      return "scan";
  }
  return "";
}

Capability required_capability(Operation operation) noexcept {
  switch (operation) {
    case Operation::read:
      return kRead;
    case Operation::create:
      return kCreate;
    case Operation::update:
      return kUpdate;
    case Operation::patch:
      return kPatch;
    case Operation::remove:
      return kDelete;
    case Operation::list:
      return kList;
    case Operation::scan:
      return kScan;
  }
  return kDeny;  // is never granted
}

AccessList::AccessList() : index_(std::make_unique<Index>()) {}
AccessList::~AccessList() = default;

std::shared_ptr<const AccessList> AccessList::root() {
  std::shared_ptr<AccessList> list(new AccessList());
  list->index_->is_root = true;
  return list;
}

std::shared_ptr<const AccessList> AccessList::build(
    std::span<const PolicyDocument* const> documents, const TemplateSubject* subject) {
  std::map<std::string, PathRule> merged;
  const auto add = [&](const std::string& pattern, const PathRule& rule) {
    const auto [place, added] = merged.try_emplace(pattern, rule);
    if (!added) return merge_into(place->second, rule);
    place->second.pattern = pattern;
  };
  for (const PolicyDocument* document : documents) {
    for (const PathRule& rule : document->rules) {
      if (!rule.path_template) {
        add(rule.pattern, rule);
      } else if (subject != nullptr) {
        if (const auto pattern = rule.path_template->fill(*subject)) add(*pattern, rule);
      }
    }
  }
  std::shared_ptr<AccessList> list(new AccessList());
  list->index_->add(merged);
  return list;
}

Decision AccessList::decide(const AccessRequest& request) const {
  Decision decision;
  if (index_->is_root) {
    decision.allowed = decision.root = true;
    decision.capabilities = kEverything;
    return decision;
  }
  const Rule* rule = index_->find(request.path, shows_keys(request.operation));
  if (rule == nullptr) {
    decision.refused_by = "no rule";
    return decision;
  }
  decision.capabilities = rule->capabilities;
  decision.matched_pattern = rule->pattern.text;
  decision.refused_by = refusal(*rule, request);
  decision.allowed = decision.refused_by.empty();
  if (shows_keys(request.operation)) decision.pagination_limit = rule->pagination_limit;
  return decision;
}

Capabilities AccessList::capabilities(std::string_view path) const {
  if (index_->is_root) return kEverything;
  const Rule* rule = index_->find(path, true);
  return rule != nullptr && rule->grants() ? rule->capabilities : Capabilities{0};
}

bool AccessList::any_access_below(std::string_view prefix) const {
  if (capabilities(prefix) != 0) return true;
  const auto below = [&](const Rule& rule) {
    return rule.grants() && rule.pattern.reaches(prefix);
  };
  return std::any_of(index_->exact.begin(), index_->exact.end(),
                     [&](const auto& entry) { return below(entry.second); }) ||
         std::any_of(index_->heads.begin(), index_->heads.end(), [&](const Head& head) {
           return std::any_of(head.rules.begin(), head.rules.end(), below);
         });
}

bool AccessList::is_root() const noexcept {
  return index_->is_root;
}

}  // namespace coffer::policy
