#include <doctest/doctest.h>

#include "net/vault_api/fields.h"

namespace coffer::net::vault {
namespace {

std::string show(std::int64_t value) {
  return std::to_string(value);
}
std::string show(bool value) {
  return value ? "true" : "false";
}
std::string show(Seconds value) {
  return std::to_string(value.count) + "s";
}
std::string show(const std::string& value) {
  return "'" + value + "'";
}
std::string show(const std::vector<std::string>& values) {
  std::string out;
  for (const auto& value : values) out += "[" + value + "]";
  return out;
}
std::string show(const std::vector<std::int64_t>& values) {
  std::string out;
  for (const auto value : values) out += "[" + std::to_string(value) + "]";
  return out;
}
std::string show(const TextMap& values) {
  std::string out;
  for (const auto& [key, value] : values) out += key + "=" + value + ";";
  return out;
}

// The field "f" of {"f": <json>}, converted and shown as text; errors as "! text" without the part
// that all share.
template <class Read>
std::string convert(std::string_view json, Read read) {
  const auto document = json::Document::parse("{\"f\":" + std::string(json) + "}");
  REQUIRE(document.ok());
  const Fields fields(&document.value().root());
  const auto result = read(fields);
  if (!result.ok()) {
    constexpr std::string_view kPrefix =
        "Field validation failed: error converting input for field \"f\": ";
    REQUIRE(result.error().code == ErrorCode::invalid_argument);
    REQUIRE(result.error().message.starts_with(kPrefix));
    return "! " + result.error().message.substr(kPrefix.size());
  }
  return result.value() ? show(*result.value()) : "absent";
}

struct Row {
  const char* json;
  const char* expected;
};

TEST_CASE("integers") {
  const Row rows[] = {
      {"5", "5"},
      {"\"5\"", "5"},
      {"\"+5\"", "5"},
      {"-1", "-1"},
      {"true", "1"},
      {"false", "0"},
      {"null", "0"},
      {"\"\"", "0"},
      {"9223372036854775807", "9223372036854775807"},
      {"1.5", "! cannot parse '' as int: strconv.ParseInt: invalid syntax"},
      {"3.0", "! cannot parse '' as int: strconv.ParseInt: invalid syntax"},
      {"\"x\"", "! cannot parse '' as int: strconv.ParseInt: invalid syntax"},
      {"\"+-5\"", "! cannot parse '' as int: strconv.ParseInt: invalid syntax"},
      {"9223372036854775808",
       "! cannot parse '' as int: strconv.ParseInt: value out of "
       "range"},
      {"[1]", "! '' expected type 'int', got unconvertible type '[]interface {}'"},
      {"{}", "! '' expected type 'int', got unconvertible type 'map[string]interface {}'"},
  };
  for (const auto& row : rows) {
    INFO(row.json);
    CHECK(convert(row.json, [](const Fields& f) { return f.integer("f"); }) == row.expected);
  }
}

TEST_CASE("booleans") {
  const Row rows[] = {
      {"true", "true"},
      {"\"true\"", "true"},
      {"\"T\"", "true"},
      {"1", "true"},
      {"0", "false"},
      {"\"\"", "false"},
      {"null", "false"},
      {"\"false\"", "false"},
      {"\"yes\"", "! cannot parse '' as bool: strconv.ParseBool: invalid syntax"},
      {"{}", "! '' expected type 'bool', got unconvertible type 'map[string]interface {}'"},
  };
  for (const auto& row : rows) {
    INFO(row.json);
    CHECK(convert(row.json, [](const Fields& f) { return f.boolean("f"); }) == row.expected);
  }
}

TEST_CASE("durations") {
  const Row rows[] = {
      {"30", "30s"},
      {"\"30\"", "30s"},
      {"\"30s\"", "30s"},
      {"\"1h30m\"", "5400s"},
      {"\"7d\"", "604800s"},
      {"\"1.5h\"", "5400s"},
      {"\"\"", "0s"},
      {"null", "absent"},
      {"-1", "! cannot provide negative value '-1'"},
      {"\"-1h\"", "! cannot provide negative value '-3600'"},
      {"true", "! could not parse duration from input"},
  };
  for (const auto& row : rows) {
    INFO(row.json);
    CHECK(convert(row.json, [](const Fields& f) { return f.duration("f"); }) == row.expected);
  }
  const auto negative = [](const Fields& f) { return f.signed_duration("f"); };
  CHECK(convert("\"-1s\"", negative) == "-1s");
  CHECK(convert("\"soon\"", negative).starts_with("! "));
}

TEST_CASE("strings and lists of strings") {
  const auto text = [](const Fields& f) { return f.text("f"); };
  CHECK(convert("\"a\"", text) == "'a'");
  CHECK(convert("1.0", text) == "'1.0'");
  CHECK(convert("true", text) == "'1'");
  CHECK(convert("null", text) == "''");
  CHECK(convert("{}", text) ==
        "! '' expected type 'string', got unconvertible type 'map[string]interface {}'");
  const auto list = [](const Fields& f) { return f.text_list("f"); };
  CHECK(convert("[\"a\",2]", list) == "[a][2]");
  CHECK(convert("\"a, b ,c\"", list) == "[a][b][c]");
  CHECK(convert("\"\"", list) == "");
  CHECK(convert("[]", list) == "");
  CHECK(convert("null", list) == "");
  CHECK(convert("7", list) == "[7]");
  CHECK(convert("[[]]", list).starts_with("! "));
}

TEST_CASE("lists of integers") {
  const auto list = [](const Fields& f) { return f.integer_list("f"); };
  CHECK(convert("[1,2]", list) == "[1][2]");
  CHECK(convert("[\"1\",\"2\"]", list) == "[1][2]");
  CHECK(convert("\"1, 2\"", list) == "[1][2]");
  CHECK(convert("3", list) == "[3]");
  CHECK(convert("null", list) == "");
  CHECK(convert("[1,\"x\"]", list).starts_with("! cannot parse '' as int"));
  CHECK(convert("{}", list).starts_with("! "));
}

TEST_CASE("maps of strings") {
  const auto map = [](const Fields& f) { return f.text_map("f"); };
  CHECK(convert(R"({"b":2,"a":"x","c":true})", map) == "a=x;b=2;c=1;");
  CHECK(convert("null", map) == "");
  CHECK(convert("[]", map) == "");
  CHECK(convert("\"x\"", map).starts_with("! "));
  CHECK(convert(R"({"a":{}})", map).starts_with("! "));
}

TEST_CASE("objects, absence and the two prefixes") {
  const auto document = json::Document::parse(R"({"o":{"a":1},"e":[],"s":"x","n":null})");
  REQUIRE(document.ok());
  const Fields fields(&document.value().root());
  CHECK(fields.map("o").value().object != nullptr);
  CHECK(fields.map("e").value().empty);
  CHECK(fields.map("n").value().object == nullptr);
  CHECK_FALSE(fields.map("n").value().empty);
  CHECK(fields.map("missing").value().object == nullptr);
  CHECK(fields.map("s").error().message ==
        "Field validation failed: error converting input for field \"s\": '' expected type "
        "'map[string]interface {}', got unconvertible type 'string'");
  const Fields bare(&document.value().root(), Fields::Prefix::before_existence_check);
  CHECK(bare.map("s").error().message ==
        "error converting input for field \"s\": '' expected type 'map[string]interface {}', got "
        "unconvertible type 'string'");
  CHECK_FALSE(fields.integer("missing").value().has_value());
  CHECK_FALSE(Fields(nullptr).text("f").value().has_value());
}

}  // namespace
}  // namespace coffer::net::vault
