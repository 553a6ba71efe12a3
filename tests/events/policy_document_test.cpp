// Policy text -> rules: HCL and JSON, refusals, bounds.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "events/policy/policy_document.h"

namespace {

using namespace coffer;

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

std::string shown(const policy::ParameterRules& rules) {
  std::string out;
  for (const auto& [name, values] : rules) {
    out += fmt::format("{}{}=[{}]", out.empty() ? "" : " ", name, joined(values));
  }
  return out;
}

// One line a rule, only what is set.
std::string shown(const policy::PathRule& rule) {
  std::string out = rule.pattern + ": " + joined(policy::capability_names(rule.capabilities));
  const auto add = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) out += fmt::format("; {} {}", name, text);
  };
  add("allowed", shown(rule.allowed_parameters));
  add("denied", shown(rule.denied_parameters));
  add("required", joined(rule.required_parameters));
  if (rule.min_wrapping_ttl) add("min", to_go_duration(*rule.min_wrapping_ttl));
  if (rule.max_wrapping_ttl) add("max", to_go_duration(*rule.max_wrapping_ttl));
  if (rule.pagination_limit != 0) add("page", std::to_string(rule.pagination_limit));
  return out;
}

std::string parsed(std::string_view text) {
  const auto document = policy::parse_policy(text);
  if (!document) {
    CHECK(document.error().code == ErrorCode::invalid_argument);
    return "refused: " + document.error().message;
  }
  std::string out;
  for (const auto& rule : document->rules) out += (out.empty() ? "" : "\n") + shown(rule);
  return out;
}

struct Row {
  std::string_view text, expected;
};

const std::vector<Row> kAccepted = {
    {"", ""},
    {"  # nothing\n// here\n/* at\nall */", ""},
    {"name = \"ops\"", ""},
    {R"(path "a" { capabilities = ["read"] })", "a: read"},
    {R"(path "a" { capabilities = ["update", "read", "create", "list", "sudo", "patch", "delete",
        "scan", "subscribe", "recover"] })",
     "a: create,delete,list,patch,read,recover,scan,subscribe,sudo,update"},
    {R"(path "a" { capabilities = [] })", "a: "},
    {R"(path "a" {})", "a: "},
    {R"(path "a" { capabilities = "read" })", "a: read"},
    {R"(path "a" { capabilities = ["read", "deny", "list"] required_parameters = ["x"] })",
     "a: deny"},
    {"path \"/a/b\" {\n capabilities = [\n\"read\" ,\n# why\n\"list\",\n]\n}", "a/b: list,read"},
    {R"(path "//a" { capabilities = ["read"] })", "/a: read"},
    {R"(path "" { capabilities = ["read"] })", ": read"},
    {R"(path "*" { capabilities = ["read"] })", "*: read"},
    {R"(path "a/+/b*" { capabilities = ["read"] } path "+" { capabilities = ["list"] })",
     "a/+/b*: read\n+: list"},
    {R"(path = { "a" = { capabilities = ["read"] }, b { policy = "read" } })",
     "a: read\nb: list,read"},
    {R"("path" "a" { "capabilities" = ["read"] })", "a: read"},
    {R"(path a-b.c_d { capabilities = ["read"] })", "a-b.c_d: read"},
    {R"(path "a\"\\\t\u00e9\x41\U0001F600" { capabilities = ["read"] })", "a\"\\\té\x41😀: read"},
    {R"(path "a" { policy = "deny" })", "a: deny"},
    {R"(path "a" { policy = "read" })", "a: list,read"},
    {R"(path "a" { policy = "write" })", "a: create,delete,list,read,update"},
    {R"(path "a" { policy = "sudo" })", "a: create,delete,list,read,sudo,update"},
    {R"(path "a" { policy = "read" capabilities = ["sudo"] })", "a: list,read,sudo"},
    {R"(path "a" { policy = "write" capabilities = ["deny"] })", "a: deny"},
    {R"(path "a" { capabilities = ["read"] } path "a" { capabilities = ["list"] })",
     "a: read\na: list"},
    {R"(path "a" { allowed_parameters = { "Foo" = ["x", 1.50, true], "*" = [] } })",
     "a: ; allowed *=[] foo=[\"x\",1.50,true]"},
    {R"(path "a" { allowed_parameters { foo = [] } denied_parameters { bar = ["b*"] } })",
     "a: ; allowed foo=[]; denied bar=[\"b*\"]"},
    {R"(path "a" { allowed_parameters = { foo = "x" bar = [["y", 2], {k = "v", l = [ ]}] } })",
     "a: ; allowed bar=[[\"y\",2],{\"k\":\"v\",\"l\":[]}] foo=[\"x\"]"},
    {R"(path "a" { allowed_parameters = { foo = ["x"], FOO = ["y"], bar = ["z"], BAR = [] } })",
     "a: ; allowed bar=[] foo=[\"x\",\"y\"]"},
    {R"(path "a" { allowed_parameters = {} denied_parameters = {} })", "a: "},
    {R"(path "a" { required_parameters = ["Foo", "bar",] })", "a: ; required foo,bar"},
    {R"(path "a" { min_wrapping_ttl = "1m" max_wrapping_ttl = 90 })", "a: ; min 1m0s; max 1m30s"},
    {R"(path "a" { min_wrapping_ttl = 0 max_wrapping_ttl = "0s" })", "a: "},
    {R"(path "a" { pagination_limit = 100 comment = "c" subscribe_event_types = ["*"] })",
     "a: ; page 100"},
    {R"(path "a/{{identity.entity.id}}/{{identity.none}}*" { capabilities = ["read"] })",
     "a/{{identity.entity.id}}/{{identity.none}}*: read"},
    {"path \"a\" {\n comment = <<EOT\n anything } here\n EOT\nEOT\n policy = \"read\" }",
     "a: list,read"},
    {"path \"a\" { policy = <<-EOT\n  x\n  EOT\n}", "refused: path \"a\": invalid policy \"x\n\""},
    {"path \"a\" { policy = <<-EOT\n  x\n y\n  EOT\n}",
     "refused: path \"a\": invalid policy \"  x\n y\n\""},
    {"path \"a\" { allowed_parameters = { k = <<E\r\n1\r\n\r\n2\r\nE\r\n} }",
     "a: ; allowed k=[\"1\\n\\n2\\n\"]"},
};

TEST_CASE("policy text: accepted HCL") {
  for (const Row& row : kAccepted) {
    CAPTURE(row.text);
    CHECK(parsed(row.text) == row.expected);
  }
}

const std::vector<Row> kJson = {
    {R"({"path": {"secret/*": {"capabilities": ["read"]}}})", "secret/*: read"},
    {R"( {"name": "x", "path": {"a": {"policy": "write"}, "b": {"capabilities": "list"}}})",
     "a: create,delete,list,read,update\nb: list"},
    {R"({"path": [{"a": {"capabilities": ["read"]}},
        {"b": [{"policy": "read"}, {"policy": "deny"}]}]})",
     "a: read\nb: list,read\nb: deny"},
    {R"([{"path": {"a": {"policy": "read"}}}, {"path": {"b": {"policy": "deny"}}}])",
     "a: list,read\nb: deny"},
    {R"({"path": {"a": {"allowed_parameters": {"K": ["x", 1.0, null, {"a": [true]}]},
        "denied_parameters": [{"l": []}, {"m": [2]}], "required_parameters": ["K"],
        "min_wrapping_ttl": "90s", "max_wrapping_ttl": 120, "pagination_limit": "5"}}})",
     "a: ; allowed k=[\"x\",1.0,null,{\"a\":[true]}]; denied l=[] m=[2]; required k; min 1m30s; "
     "max 2m0s; page 5"},
    {"{}", ""},
    {"[]", ""},
    {R"({"paths": {}})", "refused: invalid key \"paths\""},
    {R"({"path": {"a": {"capabilities": ["x"]}}})",
     "refused: path \"a\": invalid capability \"x\""},
    {R"({"path": {"a": {"caps": []}}})", "refused: path \"a\": invalid key \"caps\""},
    {R"({"path": "a"})", "refused: expected an object"},
    {R"({"path": {"a": null}})", "refused: path \"a\": expected an object"},
    {R"({"path": {"a": {"capabilities": null}}})",
     "refused: path \"a\": expected a list of strings"},
    {R"({"path": {)", "refused: malformed JSON"},
    {R"([1])", "refused: expected an object"},
};

TEST_CASE("policy text: JSON") {
  for (const Row& row : kJson) {
    CAPTURE(row.text);
    CHECK(parsed(row.text) == row.expected);
  }
}

const std::vector<Row> kRefused = {
    {"paths \"a\" {}", "invalid key \"paths\" on line 1"},
    {"\n\npath \"a\" {\n  capability = []\n}", "path \"a\": invalid key \"capability\" on line 4"},
    {R"(path "a" { capabilities = ["Read"] })", "path \"a\": invalid capability \"Read\""},
    {R"(path "a" { capabilities = ["root"] })", "path \"a\": invalid capability \"root\""},
    {R"(path "a" { capabilities = [1] })", "path \"a\": expected a list of strings"},
    {R"(path "a" { policy = "admin" })", "path \"a\": invalid policy \"admin\""},
    {R"(path "a/+*" {})", "path \"a/+*\": invalid use of wildcards ('+*' is forbidden)"},
    {R"(path "a" { min_wrapping_ttl = 2 max_wrapping_ttl = 1 })",
     "path \"a\": max_wrapping_ttl cannot be less than min_wrapping_ttl"},
    {R"(path "a" { min_wrapping_ttl = -1 })",
     "path \"a\": min_wrapping_ttl: a wrapping TTL cannot be negative"},
    {R"(path "a" { max_wrapping_ttl = [1] })", "path \"a\": max_wrapping_ttl: expected a duration"},
    {R"(path "a" { pagination_limit = -1 })",
     "path \"a\": pagination_limit: expected a whole number"},
    {R"(path "a" { control_group { factor "x" {} } })",
     "path \"a\": control_group: this restriction is not supported"},
    {R"(path "a" { capabilities = ["read"] capabilities = ["list"] })",
     "path \"a\": \"capabilities\" is set more than once"},
    {R"(path "a" { allowed_parameters = ["x"] })",
     "path \"a\": allowed_parameters: expected an object"},
    {R"(path "{{identity.entity.id" {})",
     "path \"{{identity.entity.id\": failed to validate policy templating: unbalanced templating "
     "characters"},
    {R"(path "a" "b" {})", "path \"a\": invalid key \"b\" on line 1"},
    {R"(path "a")", "At 1:9: expected '=' or '{', got end of text"},
    {R"(path "a" = {})", "At 1:10: expected '{' after several names, got '='"},
    {"path \"a\" {\n  capabilities = [\"read\" \"list\"]\n}",
     "At 2:26: expected ',' or ']', got string"},
    {"path \"é\" { capabilities = }", "At 1:27: expected a value, got '}'"},
    {"path \"a\" { capabilities = [,] }", "At 1:28: expected a value, got ','"},
    {"path \"a\" {", "At 1:11: expected a name, got end of text"},
    {"}", "At 1:1: expected a name, got '}'"},
    {"path \"a\" {} ]", "At 1:13: expected a name, got ']'"},
    {"= 1", "At 1:1: expected a name, got '='"},
    {"path \"a\nb\" {}", "At 1:6: literal not terminated"},
    {"path \"a", "At 1:6: literal not terminated"},
    {"path \"a\\", "At 1:8: illegal char escape"},
    {"path \"\\q\" {}", "At 1:7: illegal char escape"},
    {"path \"\\ud800\" {}", "At 1:7: illegal char escape"},
    {"path \"\\xff\" {}", "At 1:7: illegal char escape"},
    {"path \"\\u12\" {}", "At 1:7: illegal char escape"},
    {"path \"a\" {}\n/* open", "At 2:1: comment not terminated"},
    {"path \"a\" { comment = <<EOT\nx\n EOT\n}", "At 1:22: heredoc not terminated"},
    {"path \"a\" { comment = << EOT\nx\nEOT\n}", "At 1:22: illegal heredoc mark"},
    {"path \"a\" { min_wrapping_ttl = 01 }", "At 1:31: illegal number"},
    {"path \"a\" { min_wrapping_ttl = 0x10 }", "At 1:31: illegal number"},
    {"path \"a\" { min_wrapping_ttl = 1. }", "At 1:31: illegal number"},
    {"path \"a\" { min_wrapping_ttl = - }", "At 1:31: illegal number"},
    {"path \"a\" ; {}", "At 1:10: illegal character"},
    {"path \"a\" { capabilities = read }", "At 1:27: expected a value, got name"},
    {"path \"a\" { true = 1 }", "At 1:12: expected a name, got boolean"},
    {"path \"\xff\" {}", "the policy is not valid UTF-8"},
    {std::string_view("path \"\0\" {}", 11), "the policy holds a null character"},
};

TEST_CASE("policy text: refusals say what and where") {
  for (const Row& row : kRefused) {
    CAPTURE(row.text);
    CHECK(parsed(row.text) == "refused: " + std::string(row.expected));
  }
  for (const std::string_view name :
       {"expiration", "mfa_methods", "control_group", "list_scan_response_keys_filter_path"}) {
    CAPTURE(name);
    const auto text = fmt::format("path \"a\" {{ {} = \"x\" }}", name);
    CHECK(parsed(text).ends_with(": this restriction is not supported"));
  }
}

TEST_CASE("policy text: template braces") {
  const std::vector<std::pair<std::string, bool>> rows = {
      {"{{a}}", true},     {"x/{{a}}/{{b}}", true}, {"{{}}", true},     {"{a}", true},
      {"{{a}", false},     {"{{a", false},          {"a}}", false},     {"}}{{", false},
      {"{{a}}b}}", false}, {"{{a{{b}}", false},     {"{{a}}{{", false}, {"{{a{{b}}c}}", false},
  };
  for (const auto& [pattern, balanced] : rows) {
    CAPTURE(pattern);
    const auto document = policy::parse_policy(fmt::format("path \"{}\" {{}}", pattern));
    CHECK(document.ok() == balanced);
  }
}

TEST_CASE("policy text: bounds") {
  std::string rules;
  for (int i = 0; i < 10'000; ++i) rules += fmt::format("path \"p{}\" {{}}\n", i);
  REQUIRE(policy::parse_policy(rules).ok());
  CHECK(policy::parse_policy(rules)->rules.size() == 10'000);
  CHECK(parsed(rules + "path \"more\" {}") ==
        "refused: path \"more\": the policy holds too many rules");

  const std::string padding(1024 * 1024, ' ');
  CHECK(policy::parse_policy(padding).ok());
  CHECK(parsed(padding + " ") == "refused: the policy is longer than 1 MiB");

  const auto nested = [](int depth) {
    return "path \"a\" { allowed_parameters = { k = " + std::string(depth, '[') +
           std::string(depth, ']') + " } }";
  };
  CHECK(policy::parse_policy(nested(13)).ok());
  CHECK(parsed(nested(14)) == "refused: At 1:52: nested too deeply");
  CHECK(parsed(nested(500'000)) == "refused: At 1:52: nested too deeply");
  std::string names = "path ";
  for (int i = 0; i < 100'000; ++i) names += "a ";
  CHECK(parsed(names + "{}").ends_with("nested too deeply"));
  std::string blocks = "path ";
  for (int i = 0; i < 100'000; ++i) blocks += "a { ";
  CHECK(parsed(blocks).ends_with("nested too deeply"));
  CHECK(parsed(std::string(500'000, '[') + std::string(500'000, ']')) ==
        "refused: JSON is nested too deeply");
}

TEST_CASE("policy text: the default policy") {
  CHECK(parsed(policy::default_policy_text()) ==
        "auth/token/lookup-self: read\n"
        "auth/token/renew-self: update\n"
        "auth/token/revoke-self: update\n"
        "sys/capabilities-self: update\n"
        "sys/internal/ui/resultant-acl: read\n"
        "identity/entity/id/{{identity.entity.id}}: read\n"
        "identity/entity/name/{{identity.entity.name}}: read\n"
        "sys/leases/lookup: update\n"
        "sys/leases/renew: update\n"
        "sys/renew: update\n"
        "cubbyhole/*: create,delete,list,read,update\n"
        "sys/wrapping/wrap: update\n"
        "sys/wrapping/lookup: update\n"
        "sys/wrapping/unwrap: update\n"
        "sys/tools/hash: update\n"
        "sys/tools/hash/*: update\n"
        "sys/control-group/request: update\n"
        "identity/oidc/provider/+/authorize: read,update");
}

// Any text ends in rules or in a refusal, and the rules of an accepted text are well-formed.
TEST_CASE("policy text: parsing is total") {
  const std::vector<std::string> pieces = {"path ",
                                           "\"a\"",
                                           "\"b/+\"",
                                           " = ",
                                           "{",
                                           "}",
                                           "[",
                                           "]",
                                           ",",
                                           "\n",
                                           "capabilities = ",
                                           "\"read\"",
                                           "policy",
                                           "\"write\"",
                                           "allowed_parameters",
                                           "# c\n",
                                           "/*",
                                           "*/",
                                           "<<E\n",
                                           "<<-E\n",
                                           "E\n",
                                           "1",
                                           "-",
                                           "true",
                                           "\\",
                                           "\"",
                                           "\xc3",
                                           "\xa9",
                                           ":",
                                           "name = ",
                                           "{\"path\":",
                                           "{{",
                                           "}}",
                                           "*"};
  REQUIRE(rc::check([&] {
    const auto chosen = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces));
    std::string text;
    for (const std::string& piece : chosen) text += piece;
    const auto document = policy::parse_policy(text);
    if (!document) {
      RC_ASSERT(!document.error().message.empty());
      return;
    }
    for (const auto& rule : document->rules) {
      RC_ASSERT((rule.capabilities & policy::kDeny) == 0 || rule.capabilities == policy::kDeny);
    }
  }));
}

// The same rules written as HCL, as nested HCL and as JSON parse to the same.
TEST_CASE("policy text: notations agree") {
  const auto names = std::vector<std::string>{"create", "read", "update", "list", "sudo", "scan"};
  REQUIRE(rc::check([&] {
    const auto patterns = *rc::gen::unique<std::vector<std::string>>(
        rc::gen::map(rc::gen::container<std::string>(rc::gen::element('a', 'b', '/')),
                     [](std::string text) { return "x" + text; }));
    std::string hcl, nested, json, expected;
    for (const std::string& pattern : patterns) {
      const auto chosen = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(names));
      std::string list;
      for (const std::string& name : chosen) list += (list.empty() ? "\"" : ", \"") + name + "\"";
      hcl += fmt::format("path \"{}\" {{ capabilities = [{}] }}\n", pattern, list);
      nested += fmt::format("\"{}\" {{\n capabilities = [{}{}] }},", pattern, list,
                            list.empty() ? "" : ",");
      json += json.empty() ? "" : ",";
      json += fmt::format("\"{}\":{{\"capabilities\":[{}]}}", pattern, list);
    }
    const std::string from_hcl = parsed(hcl);
    RC_ASSERT(!from_hcl.starts_with("refused"));
    RC_ASSERT(parsed("{\"path\": {" + json + "}}") == from_hcl);
    RC_ASSERT(parsed("path = {" + nested + "}") == from_hcl);
  }));
}

}  // namespace
