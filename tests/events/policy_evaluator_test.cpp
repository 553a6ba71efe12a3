// Which rule decides and what it decides, as tables; the oracle is in policy_oracle_test.cpp.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "events/json/json_value.h"
#include "events/policy/policy_evaluator.h"

namespace {

using namespace coffer;
using policy::Operation;

// Each text is one policy of the token.
std::shared_ptr<const policy::AccessList> list_of(const std::vector<std::string>& texts) {
  std::vector<policy::PolicyDocument> documents;
  for (const std::string& text : texts) {
    auto document = policy::parse_policy(text);
    REQUIRE_MESSAGE(document.ok(), text);
    documents.push_back(std::move(document).value());
  }
  std::vector<const policy::PolicyDocument*> pointers;
  for (const auto& document : documents) pointers.push_back(&document);
  return policy::AccessList::build(pointers);
}

std::string rule(std::string_view pattern, std::string_view capabilities,
                 std::string_view more = "") {
  return fmt::format("path \"{}\" {{ capabilities = [{}] {} }}\n", pattern, capabilities, more);
}

// "pattern" when allowed, else "pattern!reason" ("!no rule").
std::string decided(const policy::AccessList& list, Operation operation, std::string_view path) {
  const policy::Decision decision = list.decide({.operation = operation, .path = path});
  CHECK(decision.allowed == decision.refused_by.empty());
  if (decision.allowed) return decision.matched_pattern;
  return decision.matched_pattern + "!" + decision.refused_by;
}

struct MatchRow {
  std::vector<std::string> patterns;  // each grants read and list
  Operation operation;
  std::string path;
  std::string winner;
};

const std::vector<MatchRow> kWinners = {
    {{"a/b"}, Operation::read, "a/b", "a/b"},
    {{"a/b"}, Operation::read, "a/b/", "!no rule"},
    {{"a/b"}, Operation::read, "a/bc", "!no rule"},
    {{"a/b"}, Operation::list, "a/b/", "a/b"},
    {{"a/b/"}, Operation::list, "a/b/", "a/b/"},
    {{"a/b/", "a/b"}, Operation::list, "a/b/", "a/b/"},
    {{"a/*", "a/b"}, Operation::list, "a/b/", "a/b"},
    {{"a/*"}, Operation::read, "a/", "a/*"},
    {{"a/*"}, Operation::read, "a", "!no rule"},
    {{"a/*"}, Operation::list, "a/", "a/*"},
    {{"*"}, Operation::read, "", "*"},
    {{"*"}, Operation::read, "any/thing", "*"},
    {{"a*", "ab*", "*"}, Operation::read, "abc", "ab*"},
    {{"a*", "ab*", "abcd*"}, Operation::read, "abc", "ab*"},
    {{"a*", "abd*", "*"}, Operation::read, "abc", "a*"},
    {{"a*", "ab*"}, Operation::read, "a", "a*"},
    // A star elsewhere is only a star.
    {{"a/*/c"}, Operation::read, "a/b/c", "!no rule"},
    {{"a/*/c"}, Operation::read, "a/*/c", "a/*/c"},
    // '+' is one whole segment.
    {{"a/+"}, Operation::read, "a/b", "a/+"},
    {{"a/+"}, Operation::read, "a/b/c", "!no rule"},
    {{"a/+"}, Operation::read, "a", "!no rule"},
    {{"a/+/c"}, Operation::read, "a/b/c", "a/+/c"},
    {{"+"}, Operation::read, "a", "+"},
    {{"+"}, Operation::read, "a/b", "!no rule"},
    {{"+/b"}, Operation::read, "a/b", "+/b"},
    {{"a+/b"}, Operation::read, "ax/b", "!no rule"},
    {{"a+/b"}, Operation::read, "a+/b", "a+/b"},
    {{"a/+b"}, Operation::read, "a/xb", "!no rule"},
    {{"a/+b"}, Operation::read, "a/+b", "a/+b"},
    {{"a/+/c*"}, Operation::read, "a/b/cd/e", "a/+/c*"},
    {{"a/+/c*"}, Operation::read, "a/b/d", "!no rule"},
    {{"a/+/*"}, Operation::read, "a/b/", "a/+/*"},
    {{"a/+/*"}, Operation::read, "a/b", "!no rule"},
    {{"secret/+/team/*"}, Operation::read, "secret/x/team/y/z", "secret/+/team/*"},
    // The first wildcard that comes later has priority.
    {{"a/+/c", "a/b/*"}, Operation::read, "a/b/c", "a/b/*"},
    {{"a/b*", "a/+"}, Operation::read, "a/bc", "a/b*"},
    {{"+/b/c", "a/+/c", "a/b/+"}, Operation::read, "a/b/c", "a/b/+"},
    {{"a*", "+/b"}, Operation::read, "a/b", "a*"},
    {{"a+b/+", "a+b/*"}, Operation::read, "a+b/c", "a+b/*"},
    // Then a pattern that does not end in a star.
    {{"a/+", "a/*"}, Operation::read, "a/b", "a/+"},
    {{"a/+/c", "a/+/*"}, Operation::read, "a/b/c", "a/+/c"},
    {{"a/+/+", "a/+/c*"}, Operation::read, "a/b/c", "a/+/+"},
    // Then fewer '+', then the longer, then the lexically larger.
    {{"a/+/+/d", "a/+/c/d"}, Operation::read, "a/b/c/d", "a/+/c/d"},
    {{"a/+/+/*", "a/*"}, Operation::read, "a/b/c/d", "a/*"},
    {{"a/+/c*", "a/+/cd*"}, Operation::read, "a/b/cde", "a/+/cd*"},
    {{"a/+/+/d", "a/+/c/+"}, Operation::read, "a/b/c/d", "a/+/c/+"},
    {{"+/b/+/d", "+/+/c/d"}, Operation::read, "a/b/c/d", "+/b/+/d"},
    // A list with nothing found tries again without the slash.
    {{"secret/metadata/*"}, Operation::list, "secret/metadata/", "secret/metadata/*"},
    {{"secret/metadata/+"}, Operation::list, "secret/metadata/a/", "secret/metadata/+"},
    {{"secret/metadata/+"}, Operation::list, "secret/metadata/", "secret/metadata/+"},
    {{"a/b*", "a/+"}, Operation::list, "a/b/", "a/b*"},
    {{"a/+", "a*"}, Operation::list, "a/b/", "a*"},
    {{"a/+"}, Operation::read, "a/b/", "!no rule"},
    // A template never matches, not even itself.
    {{"a/{{identity.entity.id}}", "a/*"}, Operation::read, "a/{{identity.entity.id}}", "a/*"},
    {{"{{identity.entity.id}}*"}, Operation::read, "x", "!no rule"},
    {{}, Operation::read, "a", "!no rule"},
    {{"/a/b"}, Operation::read, "a/b", "a/b"},
};

TEST_CASE("policy: which rule decides") {
  for (const MatchRow& row : kWinners) {
    std::string text;
    for (const std::string& pattern : row.patterns) text += rule(pattern, "\"read\", \"list\"");
    CAPTURE(text);
    CAPTURE(row.path);
    CHECK(decided(*list_of({text}), row.operation, row.path) == row.winner);
  }
}

TEST_CASE("policy: the deciding rule alone counts") {
  const auto list =
      list_of({rule("a/*", "\"read\", \"list\", \"update\"") + rule("a/b", "\"list\"") +
               rule("a/b/*", "\"deny\"") + rule("a/n", "")});
  CHECK(decided(*list, Operation::read, "a/x") == "a/*");
  CHECK(decided(*list, Operation::read, "a/b") == "a/b!capability");
  CHECK(decided(*list, Operation::list, "a/b/") == "a/b");
  CHECK(decided(*list, Operation::read, "a/b/c") == "a/b/*!deny");
  CHECK(decided(*list, Operation::read, "a/n") == "a/n!capability");
  CHECK(list->capabilities("a/x") == (policy::kRead | policy::kList | policy::kUpdate));
  CHECK(list->capabilities("a/b") == policy::kList);
  CHECK(list->capabilities("a/b/") == policy::kList);
  CHECK(list->capabilities("a/b/c") == 0);
  CHECK(list->capabilities("a/n") == 0);
  CHECK(list->capabilities("b") == 0);
  CHECK_FALSE(list->is_root());
}

TEST_CASE("policy: each operation needs its capability") {
  const std::vector<std::pair<Operation, std::string_view>> rows = {
      {Operation::read, "read"},   {Operation::create, "create"}, {Operation::update, "update"},
      {Operation::patch, "patch"}, {Operation::remove, "delete"}, {Operation::list, "list"},
      {Operation::scan, "scan"},
  };
  for (const auto& [granted, name] : rows) {
    CHECK(policy::to_string(granted) == name);
    const auto list = list_of({rule("a", fmt::format("\"{}\"", name))});
    for (const auto& [asked, _] : rows) {
      CHECK(decided(*list, asked, "a") == (asked == granted ? "a" : "a!capability"));
    }
  }
}

TEST_CASE("policy: root paths need sudo in addition") {
  const auto list = list_of(
      {rule("a", "\"update\"") + rule("b", "\"update\", \"sudo\"") + rule("c", "\"sudo\"")});
  const auto decide = [&](std::string_view path) {
    return list->decide({.operation = Operation::update, .path = path, .needs_sudo = true})
        .refused_by;
  };
  CHECK(decide("a") == "sudo");
  CHECK(decide("b") == "");
  CHECK(decide("c") == "capability");
}

TEST_CASE("policy: root may do everything") {
  const auto list = policy::AccessList::root();
  const auto decision =
      list->decide({.operation = Operation::remove, .path = "sys/x", .needs_sudo = true});
  CHECK(decision.allowed);
  CHECK(decision.root);
  CHECK(list->is_root());
  CHECK((list->capabilities("x") & policy::kSudo) != 0);
  CHECK((list->capabilities("x") & policy::kDeny) == 0);
  CHECK(list->any_access_below("secret/"));
}

TEST_CASE("policy: the same pattern in several policies") {
  const auto list =
      list_of({rule("a", "\"read\"") + rule("b/*", "\"read\"") + rule("c/+", "\"read\""),
               rule("a", "\"list\"") + rule("b/*", "\"deny\"") + rule("/c/+", "\"list\""),
               rule("b/*", "\"update\"") + rule("b*", "\"read\"")});
  CHECK(list->capabilities("a") == (policy::kRead | policy::kList));
  CHECK(list->capabilities("c/x") == (policy::kRead | policy::kList));
  CHECK(decided(*list, Operation::update, "b/x") == "b/*!deny");
  CHECK(list->decide({.path = "b/x"}).capabilities == policy::kDeny);
  CHECK(decided(*list, Operation::read, "bx") == "b*");
}

struct ParameterRow {
  std::string rules;       // inside the block
  std::string parameters;  // "" = no object at all
  std::string refused_by;
};

const std::vector<ParameterRow> kParameters = {
    {"", R"({"x": 1})", ""},
    {"allowed_parameters = {}", R"({"x": 1})", ""},
    {"denied_parameters = {}", R"({"x": 1})", ""},
    {R"(required_parameters = ["x"])", "", "parameter x"},
    {R"(required_parameters = ["x"])", "{}", "parameter x"},
    {R"(required_parameters = ["X", "y"])", R"({"x": 1})", "parameter y"},
    {R"(required_parameters = ["X", "y"])", R"({"x": null, "Y": 1})", ""},
    {"denied_parameters = { \"*\" = [] }", "", ""},
    {"denied_parameters = { \"*\" = [] }", "{}", ""},
    {"denied_parameters = { \"*\" = [] }", R"({"x": 1})", "parameter x"},
    {"denied_parameters = { \"*\" = [\"v\"] }", R"({"x": 1})", "parameter x"},
    {"denied_parameters = { x = [] }", R"({"y": 1})", ""},
    {"denied_parameters = { x = [] }", R"({"y": 1, "X": 2})", "parameter X"},
    {"denied_parameters = { x = [\"a\", 2] }", R"({"x": "b"})", ""},
    {"denied_parameters = { x = [\"a\", 2] }", R"({"x": "a"})", "parameter x"},
    {"denied_parameters = { x = [\"a\", 2] }", R"({"x": 2})", "parameter x"},
    {"denied_parameters = { x = [\"a\", 2] }", R"({"x": "2"})", ""},
    {"denied_parameters = { x = [\"a*\"] }", R"({"x": "ab"})", "parameter x"},
    {"denied_parameters = { x = [\"*a\"] }", R"({"x": "ba"})", "parameter x"},
    {"denied_parameters = { x = [\"*a\"] }", R"({"x": "ab"})", ""},
    {"denied_parameters = { x = [\"*a*\"] }", R"({"x": "bab"})", "parameter x"},
    {"denied_parameters = { x = [\"*a*\"] }", R"({"x": "bb"})", ""},
    {"denied_parameters = { x = [\"**\"] }", R"({"x": "bb"})", "parameter x"},
    {"denied_parameters = { x = [\"*\"] }", R"({"x": "bb"})", ""},
    {"denied_parameters = { x = [\"*\"] }", R"({"x": "*"})", "parameter x"},
    {"denied_parameters = { x = [\"a*b\"] }", R"({"x": "acb"})", ""},
    {"denied_parameters = { x = [\"a*\"] }", R"({"x": ["ab"]})", ""},
    {"allowed_parameters = { x = [] }", "", ""},
    {"allowed_parameters = { x = [] }", R"({"x": {"any": 1}})", ""},
    {"allowed_parameters = { X = [] }", R"({"x": 1})", ""},
    {"allowed_parameters = { x = [] }", R"({"x": 1, "y": 1})", "parameter y"},
    {"allowed_parameters = { x = [], \"*\" = [] }", R"({"y": 1})", ""},
    {"allowed_parameters = { \"*\" = [] }", R"({"x": 1, "y": 2})", ""},
    {"allowed_parameters = { x = [\"a\"], \"*\" = [] }", R"({"y": 1, "x": "b"})", "parameter x"},
    {"allowed_parameters = { x = [\"a\", \"b*\"] }", R"({"x": "bc"})", ""},
    {"allowed_parameters = { x = [\"a\", \"b*\"] }", R"({"x": "ab"})", "parameter x"},
    {"allowed_parameters = { x = [true, 1.0, [1, \"a\"]] }", R"({"x": true})", ""},
    {"allowed_parameters = { x = [true, 1.0, [1, \"a\"]] }", R"({"x": false})", "parameter x"},
    {"allowed_parameters = { x = [true, 1.0, [1, \"a\"]] }", R"({"x": 1.0})", ""},
    {"allowed_parameters = { x = [true, 1.0, [1, \"a\"]] }", R"({"x": 1})", "parameter x"},
    {"allowed_parameters = { x = [true, 1.0, [1, \"a\"]] }", R"({"x": [1, "a"]})", ""},
    {"allowed_parameters = { x = [true, 1.0, [1, \"a\"]] }", R"({"x": [1]})", "parameter x"},
    {"allowed_parameters = { x = [true, 1.0, [1, \"a\"]] }", R"({"x": null})", "parameter x"},
    {"allowed_parameters = { x = [{k = 1, l = \"m\"}] }", R"({"x": {"l": "m", "k": 1}})", ""},
    {"allowed_parameters = { x = [{k = 1, l = \"m\"}] }", R"({"x": {"k": 1}})", "parameter x"},
    {"allowed_parameters = { x = [] } denied_parameters = { x = [\"a\"] }", R"({"x": "a"})",
     "parameter x"},
    {"allowed_parameters = { x = [] } denied_parameters = { x = [\"a\"] }", R"({"x": "b"})", ""},
};

TEST_CASE("policy: parameters") {
  for (const ParameterRow& row : kParameters) {
    CAPTURE(row.rules);
    CAPTURE(row.parameters);
    const std::string all = R"("create", "read", "update", "patch", "delete", "list", "scan")";
    const auto list = list_of({rule("a", all, row.rules)});
    const auto document = json::Document::parse(row.parameters.empty() ? "null" : row.parameters);
    REQUIRE(document.ok());
    const auto* parameters = row.parameters.empty() ? nullptr : &document->root();
    const auto refused = [&](Operation operation) {
      return list->decide({.operation = operation, .path = "a", .parameters = parameters})
          .refused_by;
    };
    for (const auto checked :
         {Operation::read, Operation::create, Operation::update, Operation::patch}) {
      CHECK(refused(checked) == row.refused_by);
    }
    for (const auto free : {Operation::remove, Operation::list, Operation::scan}) {
      CHECK(refused(free) == "");
    }
  }
}

TEST_CASE("policy: a refused name is cut to a length fit for a log") {
  const auto list = list_of({rule("a", "\"update\"", "denied_parameters = { \"*\" = [] }")});
  const auto body = json::Document::parse("{\"" + std::string(1000, 'k') + "\": 1}");
  const auto decision =
      list->decide({.operation = Operation::update, .path = "a", .parameters = &body->root()});
  CHECK(decision.refused_by == "parameter " + std::string(64, 'k'));
}

TEST_CASE("policy: parameters of the same pattern are merged key by key") {
  const auto list = list_of({
      rule("a", "\"update\"", R"(allowed_parameters = { x = ["1"], y = ["1"] }
                            required_parameters = ["x"])"),
      rule("a", "\"update\"", R"(allowed_parameters = { x = ["2"], y = [], z = [] })"),
      rule("a", "\"update\"", R"(denied_parameters = { z = ["9"] }
                            required_parameters = ["y", "x"])"),
  });
  const auto refused = [&](std::string_view body) {
    const auto document = json::Document::parse(body);
    REQUIRE(document.ok());
    return list
        ->decide({.operation = Operation::update, .path = "a", .parameters = &document->root()})
        .refused_by;
  };
  CHECK(refused(R"({"x": "1", "y": "7"})") == "");
  CHECK(refused(R"({"x": "2", "y": "7", "z": 1})") == "");
  CHECK(refused(R"({"x": "3", "y": "7"})") == "parameter x");
  CHECK(refused(R"({"x": "1"})") == "parameter y");
  CHECK(refused(R"({"x": "1", "y": "7", "z": "9"})") == "parameter z");
  CHECK(refused(R"({"x": "1", "y": "7", "w": "9"})") == "parameter w");
}

TEST_CASE("policy: wrapping limits") {
  const auto refused = [](const std::vector<std::string>& limits, std::int64_t ttl) {
    std::vector<std::string> policies;
    for (const std::string& limit : limits) policies.push_back(rule("a", "\"delete\"", limit));
    return list_of(policies)
        ->decide({.operation = Operation::remove, .path = "a", .wrap_ttl = Seconds{ttl}})
        .refused_by;
  };
  CHECK(refused({""}, 0) == "");
  CHECK(refused({""}, 100) == "");
  CHECK(refused({"min_wrapping_ttl = 10"}, 0) == "wrapping");
  CHECK(refused({"min_wrapping_ttl = 10"}, 9) == "wrapping");
  CHECK(refused({"min_wrapping_ttl = 10"}, 10) == "");
  CHECK(refused({"max_wrapping_ttl = 10"}, 0) == "wrapping");
  CHECK(refused({"max_wrapping_ttl = 10"}, 10) == "");
  CHECK(refused({"max_wrapping_ttl = 10"}, 11) == "wrapping");
  CHECK(refused({"min_wrapping_ttl = 10", "min_wrapping_ttl = 5"}, 5) == "");
  CHECK(refused({"max_wrapping_ttl = 10", "max_wrapping_ttl = 5"}, 6) == "wrapping");
  CHECK(refused({"max_wrapping_ttl = 10", "max_wrapping_ttl = 0"}, 11) == "wrapping");
  CHECK(refused({"min_wrapping_ttl = 10", "max_wrapping_ttl = 5"}, 7) == "wrapping");
}

TEST_CASE("policy: pagination limit of lists and scans") {
  const auto list = list_of(
      {rule("a/*", "\"list\", \"scan\", \"read\"", "pagination_limit = 10"),
       rule("a/*", "\"list\"", "pagination_limit = 20") +
           rule("b/*", "\"list\"", "pagination_limit = 5 required_parameters = [\"Limit\"]")});
  const auto decide = [&](Operation operation, std::string_view path, std::string_view body) {
    const auto document = json::Document::parse(body);
    REQUIRE(document.ok());
    const auto decision =
        list->decide({.operation = operation, .path = path, .parameters = &document->root()});
    return fmt::format("{}{}", decision.refused_by, decision.pagination_limit);
  };
  CHECK(decide(Operation::list, "a/", "{}") == "10");
  CHECK(decide(Operation::scan, "a/", R"({"limit": "10"})") == "10");
  CHECK(decide(Operation::list, "a/", R"({"limit": 11})") == "parameter limit10");
  CHECK(decide(Operation::list, "a/", R"({"limit": "-1"})") == "parameter limit10");
  CHECK(decide(Operation::list, "a/", R"({"limit": "max"})") == "10");
  CHECK(decide(Operation::list, "a/", R"({"limit": "x"})") == "parameter limit10");
  CHECK(decide(Operation::read, "a/x", R"({"limit": 11})") == "0");
  CHECK(decide(Operation::list, "b/", "{}") == "parameter limit5");
  CHECK(decide(Operation::list, "b/", R"({"limit": 0})") == "5");
}

struct BelowRow {
  std::string rules;
  std::string prefix;
  bool access;
};

TEST_CASE("policy: access at or below a mount") {
  const std::vector<BelowRow> rows = {
      {rule("secret/data/x", "\"read\""), "secret/", true},
      {rule("secret/data/x", "\"deny\""), "secret/", false},
      {rule("secret/data/x", ""), "secret/", false},
      {rule("secret/data/x", "\"read\""), "secre/", false},
      {rule("secret2/x", "\"read\""), "secret/", false},
      {rule("secret/*", "\"list\""), "secret/", true},
      {rule("*", "\"list\""), "secret/", true},
      {rule("sec*", "\"list\""), "secret/", true},
      {rule("secret", "\"list\""), "secret/", true},
      {rule("secret/x*", "\"list\""), "secret/", true},
      {rule("secret/*", "\"deny\"") + rule("secret/data/*", "\"read\""), "secret/", true},
      {rule("*", "\"read\"") + rule("secret/*", "\"deny\""), "secret/", false},
      {rule("+/data/x", "\"read\""), "secret/", true},
      {rule("+/data/x", "\"deny\""), "secret/", false},
      {rule("other/+/x", "\"read\""), "secret/", false},
      {rule("+/+/team/*", "\"read\""), "kv/team/", true},
      {rule("+/team*", "\"read\""), "kv/team/", true},
      {rule("+/tea*", "\"read\"") + rule("kv/team/*", "\"deny\""), "kv/team/", true},
      {rule("+/tea*", "\"read\"") + rule("kv/team/*", "\"deny\""), "kv/team/x/", false},
      {rule("+", "\"read\""), "kv/team/", false},
      {rule("+/x/y", "\"read\""), "kv/team/", false},
      {"", "secret/", false},
      {rule("{{identity.entity.id}}/*", "\"read\""), "{{identity.entity.id}}/", false},
  };
  for (const BelowRow& row : rows) {
    CAPTURE(row.rules);
    CAPTURE(row.prefix);
    CHECK(list_of({row.rules})->any_access_below(row.prefix) == row.access);
  }
}

}  // namespace
