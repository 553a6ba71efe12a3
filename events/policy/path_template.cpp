#include "events/policy/path_template.h"

#include <algorithm>

namespace coffer::policy {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

// Takes `prefix` off the front.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<std::string_view> find_in(const TextMap& map, std::string_view key) {
  const auto found = map.find(std::string(key));
  if (found == map.end()) return std::nullopt;
  return found->second;
}

// "id", "name" or "metadata.<key>" of an entity or group.
template <class Named>
std::optional<std::string_view> value_of(const Named& named, std::string_view field) {
  if (field == "id") return named.id;
  if (field == "name") return named.name;
  if (take(field, "metadata.")) return find_in(named.metadata, field);
  return std::nullopt;
}

// "<accessor>.<field>"
std::optional<std::string_view> alias_value(const TemplateSubject& subject, std::string_view rest) {
  const auto dot = rest.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto found = subject.aliases.find(std::string(rest.substr(0, dot)));
  if (found == subject.aliases.end()) return std::nullopt;
  auto field = rest.substr(dot + 1);
  if (take(field, "custom_metadata.")) return find_in(found->second.custom_metadata, field);
  return value_of(found->second, field);
}

// "<id>.<field>" or "<name>.<field>"; names may hold dots.
std::optional<std::string_view> group_value(const TemplateSubject& subject, std::string_view rest,
                                            std::string TemplateSubject::Group::*key) {
  for (const auto& group : subject.groups) {
    auto field = rest;
    if (take(field, group.*key) && take(field, ".")) {
      if (const auto value = value_of(group, field)) return value;
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> select(const TemplateSubject& subject, std::string_view selector) {
  if (take(selector, "entity.aliases.")) return alias_value(subject, selector);
  if (take(selector, "entity.")) return value_of(subject, selector);
  if (take(selector, "groups.ids."))
    return group_value(subject, selector, &TemplateSubject::Group::id);
  if (take(selector, "groups.names."))
    return group_value(subject, selector, &TemplateSubject::Group::name);
  return std::nullopt;
}

}  // namespace

Result<std::optional<PathTemplate>> PathTemplate::parse(std::string_view pattern) {
  const auto unbalanced = [] {
    return fail(ErrorCode::invalid_argument,
                "failed to validate policy templating: unbalanced templating characters");
  };
  PathTemplate out;
  while (true) {
    const auto open = pattern.find("{{");
    const auto close = pattern.find("}}");
    if (open == std::string_view::npos) {
      if (close != std::string_view::npos) return unbalanced();
      out.parts_.push_back({std::string(pattern), {}});
      break;
    }
    if (close == std::string_view::npos || close < open) return unbalanced();
    auto selector = pattern.substr(open + 2, close - open - 2);
    if (selector.find("{{") != std::string_view::npos) return unbalanced();
    selector = trimmed(selector);
    // What is no selector of ours is missing for everybody.
    if (!take(selector, "identity.") || selector.empty()) selector = "?";
    out.parts_.push_back({std::string(pattern.substr(0, open)), std::string(selector)});
    pattern.remove_prefix(close + 2);
  }
  if (out.parts_.size() == 1) return std::optional<PathTemplate>{};
  return std::optional{std::move(out)};
}

std::optional<std::string> PathTemplate::fill(const TemplateSubject& subject) const {
  std::string out;
  for (const auto& part : parts_) {
    out += part.text;
    if (part.selector.empty()) continue;
    const auto value = select(subject, part.selector);
    if (!value || value->empty() || value->find_first_of("*+/") != std::string_view::npos)
      return std::nullopt;
    out += *value;
  }
  return out;
}

}  // namespace coffer::policy
