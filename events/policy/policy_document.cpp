#include "events/policy/policy_document.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "events/json/json_value.h"
#include "events/json/utf8.h"
#include "events/policy/hcl_parser.h"

namespace coffer::policy {
namespace {

constexpr std::size_t kTextBytesMax = 1024 * 1024;
constexpr std::size_t kRulesMax = 10'000;

struct NamedCapability {
  std::string_view name;
  Capability bit;
};
constexpr std::array kCapabilities = std::to_array<NamedCapability>({
    {"create", kCreate},
    {"delete", kDelete},
    {"deny", kDeny},
    {"list", kList},
    {"patch", kPatch},
    {"read", kRead},
    {"recover", kRecover},
    {"scan", kScan},
    {"subscribe", kSubscribe},
    {"sudo", kSudo},
    {"update", kUpdate},
});

struct Shorthand {
  std::string_view name;
  Capabilities capabilities;
};
constexpr Capabilities kWriteShorthand = kCreate | kRead | kUpdate | kDelete | kList;
constexpr std::array kShorthands = std::to_array<Shorthand>({
    {"deny", kDeny},
    {"read", kRead | kList},
    {"write", kWriteShorthand},
    {"sudo", kWriteShorthand | kSudo},
});

Error invalid(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// HCL and JSON alike let one element stand for a list of it.
Result<std::vector<std::string>> strings_of(const hcl::Node& node) {
  std::vector<std::string> strings;
  if (node.kind == hcl::Node::Kind::string) {
    strings.push_back(node.text);
    return strings;
  }
  if (node.kind != hcl::Node::Kind::list) return invalid("expected a list of strings");
  for (const hcl::Node& item : node.items) {
    if (item.kind != hcl::Node::Kind::string) return invalid("expected a list of strings");
    strings.push_back(item.text);
  }
  return strings;
}

Result<std::vector<const hcl::Node*>> objects_of(const hcl::Node& node) {
  std::vector<const hcl::Node*> objects;
  if (node.kind == hcl::Node::Kind::object) {
    objects.push_back(&node);
    return objects;
  }
  if (node.kind != hcl::Node::Kind::list) return invalid("expected an object");
  for (const hcl::Node& item : node.items) {
    if (item.kind != hcl::Node::Kind::object) return invalid("expected an object");
    objects.push_back(&item);
  }
  return objects;
}

Result<void> read_capabilities(const hcl::Node& node, PathRule& rule) {
  COFFER_ASSIGN(const auto names, strings_of(node));
  for (const std::string& name : names) {
    const auto known = std::find_if(kCapabilities.begin(), kCapabilities.end(),
                                    [&](const auto& entry) { return entry.name == name; });
    if (known == kCapabilities.end()) {
      return invalid(fmt::format("invalid capability \"{}\"", name));
    }
    rule.capabilities |= known->bit;
  }
  return {};
}

Result<void> read_shorthand(const hcl::Node& node, PathRule& rule) {
  if (node.kind != hcl::Node::Kind::string) return invalid("expected a string");
  if (node.text.empty()) return {};
  for (const Shorthand& shorthand : kShorthands) {
    if (shorthand.name != node.text) continue;
    rule.capabilities |= shorthand.capabilities;
    return {};
  }
  return invalid(fmt::format("invalid policy \"{}\"", node.text));
}

void write_json(const hcl::Node& node, json::Writer& out) {
  switch (node.kind) {
    case hcl::Node::Kind::null:
      out.null();
      return;
    case hcl::Node::Kind::boolean:
    case hcl::Node::Kind::number:
      out.raw(node.text);
      return;
    case hcl::Node::Kind::string:
      out.string(node.text);
      return;
    case hcl::Node::Kind::list:
      out.begin_array();
      for (const hcl::Node& item : node.items) write_json(item, out);
      out.end_array();
      return;
    case hcl::Node::Kind::object:
      out.begin_object();
      for (const hcl::Item& member : node.members) write_json(member.value, out.key(member.name));
      out.end_object();
      return;
  }
}

std::string json_text(const hcl::Node& node) {
  SecretBytes text;
  json::Writer writer(text);
  write_json(node, writer);
  return std::string(text.expose_text());
}

Result<void> read_parameters(const hcl::Node& node, ParameterRules& rules) {
  COFFER_ASSIGN(const auto objects, objects_of(node));
  for (const hcl::Node* object : objects) {
    for (const hcl::Item& parameter : object->members) {
      const bool is_list = parameter.value.kind == hcl::Node::Kind::list;
      const auto values = is_list ? std::span<const hcl::Node>(parameter.value.items)
                                  : std::span<const hcl::Node>(&parameter.value, 1);
      const auto [place, added] = rules.try_emplace(lower_case(parameter.name));
      if (!added && (place->second.empty() || values.empty())) {
        place->second.clear();  // named twice, once for any value
        continue;
      }
      for (const hcl::Node& value : values) place->second.push_back(json_text(value));
    }
  }
  return {};
}

Result<void> read_allowed(const hcl::Node& node, PathRule& rule) {
  return read_parameters(node, rule.allowed_parameters);
}

Result<void> read_denied(const hcl::Node& node, PathRule& rule) {
  return read_parameters(node, rule.denied_parameters);
}

Result<void> read_required(const hcl::Node& node, PathRule& rule) {
  COFFER_ASSIGN(auto names, strings_of(node));
  for (std::string& name : names) rule.required_parameters.push_back(lower_case(std::move(name)));
  return {};
}

Result<void> read_ttl(const hcl::Node& node, std::optional<Seconds>& ttl) {
  if (node.kind != hcl::Node::Kind::string && node.kind != hcl::Node::Kind::number) {
    return invalid("expected a duration");
  }
  COFFER_ASSIGN(const Seconds parsed, parse_duration(node.text));
  if (parsed.count < 0) return invalid("a wrapping TTL cannot be negative");
  if (parsed.count > 0) ttl = parsed;  // zero is no limit
  return {};
}

Result<void> read_min_ttl(const hcl::Node& node, PathRule& rule) {
  return read_ttl(node, rule.min_wrapping_ttl);
}

Result<void> read_max_ttl(const hcl::Node& node, PathRule& rule) {
  return read_ttl(node, rule.max_wrapping_ttl);
}

Result<void> read_pagination_limit(const hcl::Node& node, PathRule& rule) {
  const char* end = node.text.data() + node.text.size();
  const auto parsed = std::from_chars(node.text.data(), end, rule.pagination_limit);
  if (parsed.ec != std::errc() || parsed.ptr != end) return invalid("expected a whole number");
  return {};
}

// What only describes, or narrows a capability that nothing here grants.
Result<void> pass_over(const hcl::Node&, PathRule&) {
  return {};
}

// To pass over one of these would grant more than the author wrote.
Result<void> refuse_restriction(const hcl::Node&, PathRule&) {
  return invalid("this restriction is not supported");
}

struct Attribute {
  std::string_view name;
  Result<void> (*read)(const hcl::Node&, PathRule&);
};
constexpr std::array kAttributes = std::to_array<Attribute>({
    {"allowed_parameters", read_allowed},
    {"capabilities", read_capabilities},
    {"comment", pass_over},
    {"control_group", refuse_restriction},
    {"denied_parameters", read_denied},
    {"expiration", refuse_restriction},
    {"list_scan_response_keys_filter_path", refuse_restriction},
    {"max_wrapping_ttl", read_max_ttl},
    {"mfa_methods", refuse_restriction},
    {"min_wrapping_ttl", read_min_ttl},
    {"pagination_limit", read_pagination_limit},
    {"policy", read_shorthand},
    {"required_parameters", read_required},
    {"subscribe_event_types", pass_over},
});

Error invalid_key(const hcl::Item& item) {
  if (item.at.line == 0) return invalid(fmt::format("invalid key \"{}\"", item.name));
  return invalid(fmt::format("invalid key \"{}\" on line {}", item.name, item.at.line));
}

Result<void> read_pattern(std::string_view name, PathRule& rule) {
  if (name.starts_with('/')) name.remove_prefix(1);
  COFFER_ASSIGN(rule.path_template, PathTemplate::parse(name));
  if (name.find("+*") != std::string_view::npos) {
    return invalid("invalid use of wildcards ('+*' is forbidden)");
  }
  rule.pattern = name;
  return {};
}

Result<void> read_attributes(const hcl::Node& block, PathRule& rule) {
  std::bitset<kAttributes.size()> seen;
  for (const hcl::Item& item : block.members) {
    const auto known = std::find_if(kAttributes.begin(), kAttributes.end(),
                                    [&](const auto& entry) { return entry.name == item.name; });
    if (known == kAttributes.end()) return invalid_key(item);
    const auto index = static_cast<std::size_t>(known - kAttributes.begin());
    // Readers differ in whether the first, the last or both count: no guess is safe.
    if (seen.test(index)) return invalid(fmt::format("\"{}\" is set more than once", item.name));
    seen.set(index);
    if (auto read = known->read(item.value, rule); !read) {
      const bool says_all = known->read == read_capabilities || known->read == read_shorthand;
      if (says_all) return std::move(read).error();
      return invalid(fmt::format("{}: {}", item.name, read.error().message));
    }
  }
  return {};
}

Result<PathRule> read_rule(const std::string& name, const hcl::Node& block) {
  PathRule rule;
  COFFER_TRY(read_pattern(name, rule));
  COFFER_TRY(read_attributes(block, rule));
  if (rule.min_wrapping_ttl && rule.max_wrapping_ttl &&
      *rule.max_wrapping_ttl < *rule.min_wrapping_ttl) {
    return invalid("max_wrapping_ttl cannot be less than min_wrapping_ttl");
  }
  if ((rule.capabilities & kDeny) != 0) {
    PathRule denied;
    denied.pattern = std::move(rule.pattern);
    denied.path_template = std::move(rule.path_template);
    denied.capabilities = kDeny;
    return denied;
  }
  return rule;
}

Result<void> read_path(const hcl::Item& path, PolicyDocument& document) {
  COFFER_ASSIGN(const auto blocks, objects_of(path.value));
  for (const hcl::Node* block : blocks) {
    COFFER_ASSIGN(auto rule, read_rule(path.name, *block));
    if (document.rules.size() == kRulesMax) return invalid("the policy holds too many rules");
    document.rules.push_back(std::move(rule));
  }
  return {};
}

Result<void> read_policy(const hcl::Node& root, PolicyDocument& document) {
  for (const hcl::Item& item : root.members) {
    if (item.name == "name") continue;
    if (item.name != "path") return invalid_key(item);
    COFFER_ASSIGN(const auto groups, objects_of(item.value));
    for (const hcl::Node* group : groups) {
      for (const hcl::Item& path : group->members) {
        if (auto read = read_path(path, document); !read) {
          return invalid(fmt::format("path \"{}\": {}", path.name, read.error().message));
        }
      }
    }
  }
  return {};
}

hcl::Node node_of(const json::Value& value) {
  hcl::Node node;
  node.text = value.text();
  switch (value.kind()) {
    case json::Kind::null:
      break;
    case json::Kind::boolean:
      node.kind = hcl::Node::Kind::boolean;
      node.text = value.boolean() ? "true" : "false";
      break;
    case json::Kind::number:
      node.kind = hcl::Node::Kind::number;
      break;
    case json::Kind::string:
      node.kind = hcl::Node::Kind::string;
      break;
    case json::Kind::array:
      node.kind = hcl::Node::Kind::list;
      for (const json::Value* item : value.items()) node.items.push_back(node_of(*item));
      break;
    case json::Kind::object:
      node.kind = hcl::Node::Kind::object;
      for (const json::Member& member : value.members()) {
        node.members.push_back({std::string(member.key), node_of(*member.value), {}});
      }
      break;
  }
  return node;
}

// No HCL text can begin with a brace or a bracket, so that the first character decides.
Result<hcl::Node> parse_tree(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const bool is_json = text.substr(first).starts_with('{') || text.substr(first).starts_with('[');
  if (!is_json) return hcl::parse(text);
  auto parsed = json::Document::parse(
      text, {.depth_max = hcl::kNestingMax, .nodes_max = std::numeric_limits<std::size_t>::max()});
  if (!parsed) return invalid(std::move(parsed).error().message);
  return node_of(parsed->root());
}

}  // namespace

std::vector<std::string> capability_names(Capabilities capabilities) {
  std::vector<std::string> names;
  for (const auto& [name, bit] : kCapabilities) {
    if ((capabilities & bit) != 0) names.emplace_back(name);
  }
  return names;
}

Result<PolicyDocument> parse_policy(std::string_view text) {
  if (text.size() > kTextBytesMax) return invalid("the policy is longer than 1 MiB");
  if (!json::is_utf8(text)) return invalid("the policy is not valid UTF-8");
  if (text.find('\0') != std::string_view::npos) {
    return invalid("the policy holds a null character");
  }
  COFFER_ASSIGN(const auto tree, parse_tree(text));
  COFFER_ASSIGN(const auto roots, objects_of(tree));
  PolicyDocument document;
  for (const hcl::Node* root : roots) COFFER_TRY(read_policy(*root, document));
  return document;
}

}  // namespace coffer::policy
