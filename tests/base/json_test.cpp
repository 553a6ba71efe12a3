// Parsing and writing of events/json.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "events/json/json_value.h"

namespace {

using namespace coffer;
using namespace std::string_literals;
using json::Document;

std::string text_of(const json::Value& value) {
  SecretBytes out;
  json::write(value, out);
  return std::string(out.expose_text());
}

// The compact text of `text`, or the message of its refusal.
std::string reparsed(std::string_view text, const json::ParseLimits& limits = {}) {
  auto document = Document::parse(text, limits);
  if (!document) {
    return std::string(to_string(document.error().code)) + ": " + document.error().message;
  }
  return text_of(document->root());
}

struct Row {
  std::string input;
  std::string expected;
};

const std::vector<Row> kAccepted = {
    {"null", "null"},
    {" true\n", "true"},
    {"false", "false"},
    {"\t\"a b\" \r\n", "\"a b\""},
    {"\"\"", "\"\""},
    {" 0 ", "0"},
    {"-0", "-0"},
    {"1.0", "1.0"},
    {"1.10", "1.10"},
    {"1E5", "1E5"},
    {"-1.5e+3", "-1.5e+3"},
    {"1e400", "1e400"},
    {"18446744073709551616", "18446744073709551616"},
    {"123456789012345678901234567890", "123456789012345678901234567890"},
    {"0.0000000000000000000000000001e-999999", "0.0000000000000000000000000001e-999999"},
    {"[]", "[]"},
    {"{}", "{}"},
    {"[ 1 , 1e400,[ ] , { } ]", "[1,1e400,[],{}]"},
    {R"({"b":1,"a":{"c":[null,true,false,"x"]}})", R"({"b":1,"a":{"c":[null,true,false,"x"]}})"},
    {R"({"":"", "é":"日本"})", R"({"":"","é":"日本"})"},
    {R"("\"\\\/\b\f\n\r\t")", R"("\"\\/\b\f\n\r\t")"},
    {R"("\u00e9\u65e5\ud83d\ude00\u0000\u001f\u007f")", "\"é日😀\\u0000\\u001f\\u007f\""},
    {"\"\x7f\"", "\"\\u007f\""},
    {R"({"\u0061":1,"b\\":2})", R"({"a":1,"b\\":2})"},
    {R"({"a":1,"b":2,"a":3})", R"({"b":2,"a":3})"},
    {R"({"a":1,"\u0061":2})", R"({"a":2})"},
    {R"({"a":{"a":1},"a":[{"a":2,"a":4}]})", R"({"a":[{"a":4}]})"},
    {R"({"k":1,"k":2,"k":3,"j":1,"k":4})", R"({"j":1,"k":4})"},
};

TEST_CASE("json: accepted texts come back compact, numbers as written") {
  for (const Row& row : kAccepted) {
    CAPTURE(row.input);
    CHECK(reparsed(row.input) == row.expected);
    CHECK(reparsed(row.expected) == row.expected);
  }
}

constexpr auto kMalformed = "invalid_argument: malformed JSON";
constexpr auto kTrailing = "invalid_argument: unexpected data after the JSON value";
constexpr auto kNumber = "invalid_argument: invalid number";
constexpr auto kEscape = "invalid_argument: invalid escape sequence in string";
constexpr auto kUtf8 = "invalid_argument: invalid UTF-8";

const std::vector<Row> kRefusedWithReason = {
    {"", "invalid_argument: unexpected end of JSON input"},
    {"  \n", "invalid_argument: unexpected end of JSON input"},
    {"1 2", kTrailing},
    {"{} {}", kTrailing},
    {"[1] [2]", kTrailing},
    {"{\"a\":1}}", kTrailing},
    {"null,", kTrailing},
    {"\"a\" \"b\"", kTrailing},
    {"[01]", kNumber},
    {"[1.]", kNumber},
    {"[1e]", kNumber},
    {"[-]", kNumber},
    {"-", kNumber},
    {"[1x]", kNumber},
    {"[1\"a\"]", kNumber},
    {"[\"\\x\"]", kEscape},
    {"[\"\\u12g4\"]", kEscape},
    {R"(["\ud800"])", kEscape},
    {R"(["\ud800x"])", kEscape},
    {R"(["\udc00"])", kEscape},
    {R"({"\udfff":1})", kEscape},
    {"[\"a\x01\"]", "invalid_argument: control character in string"},
    {"[\"a\nb\"]", "invalid_argument: control character in string"},
    {"[\"a", "invalid_argument: unterminated string"},
    {"\"a\\\"", "invalid_argument: unterminated string"},
    {"\"\xff\"", kUtf8},
    {"\"\xc0\xaf\"", kUtf8},
    {"\"\xed\xa0\x80\"", kUtf8},
    {"\"\xf4\x90\x80\x80\"", kUtf8},
    {"\"\xe6\x97\"", kUtf8},
    {"{\"\xff\":1}", kUtf8},
};

TEST_CASE("json: refusals name the kind of fault") {
  for (const Row& row : kRefusedWithReason) {
    CAPTURE(row.input);
    CHECK(reparsed(row.input) == row.expected);
  }
}

const std::vector<std::string> kRefused = {
    "[",
    "]",
    "{",
    "}",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1:2]",
    "[\"a\":1]",
    "[1]]",
    "[[1]",
    "[1}",
    "{\"a\":1]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1:2}",
    "{\"a\":\"b\":2}",
    "{1:2}",
    "{a:1}",
    "{'a':1}",
    "{\"a\":{\"b\":1}",
    "{\"a\":1}}",
    "[tru]",
    "[truex]",
    "[nul]",
    "[nulll]",
    "[True]",
    "[NaN]",
    "[Infinity]",
    "[+1]",
    "[.5]",
    "[0x1]",
    "[1_000]",
    "[--1]",
    "[00]",
    "[-01]",
    "[1e+]",
    "[1.5.5]",
    "[//c\n1]",
    "/**/1",
    "tru",
    "nulls",
    "nan",
    "+1",
    "01",
    "1.",
    "'a'",
    "\xEF\xBB\xBF{}",
    "\xEF\xBB\xBF",
    ":",
    ",",
    "[\"a\"\"b\"]",
    "[\"a\"b]",
    "[a\"b\"]",
    "[true\"x\"]",
    "[null null]",
    "[{}{}]",
    "[[][]]",
    "{\"a\":[}]}",
    "{\"a\"::1}",
    "{\"a\",1}",
    "[1,,2]",
    "\"\\",
    "[\"\\u\"]",
    "[\"\\u00\"]",
    "[\"\\ud800\\n\"]",
    "[\"\\ud800\\u0041\"]",
    "[\"\\ud800\\ud800\"]",
    "[\"\\ud83d\\ue000\"]",
    "[\"\\uD83D\\u12\"]",
    "[1]\0"s,
    "\0"s,
    "[\0]"s,
    "{\"a\":1}\0\0"s,
    "[1\0]"s,
    "\0[1]"s,
    "1\0"s,
    "[\"\0\"]"s,
};

TEST_CASE("json: broken texts are refused") {
  for (const std::string& input : kRefused) {
    CAPTURE(input);
    auto document = Document::parse(input);
    REQUIRE_FALSE(document.ok());
    CHECK(document.error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("json: every cut or changed byte of a document is refused or re-readable") {
  const std::string whole =
      R"({"a":[1,-2.5e3,"x\ny",{"b":null}],"c":{"d":[true,false,[]],"e":"\u00e9"}})";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(Document::parse(whole.substr(0, size)).ok());
  }
  // A changed document that still parses must be one that parses to the same again.
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char c : "[]{},:\"\\ 0x"s) {
      std::string changed = whole;
      changed[at] = c;
      auto document = Document::parse(changed);
      if (!document) continue;
      CAPTURE(changed);
      const std::string written = text_of(document->root());
      CHECK(reparsed(written) == written);
    }
  }
}

TEST_CASE("json: limits") {
  const json::ParseLimits depth{.depth_max = 3};
  CHECK(reparsed("[[[1]]]", depth) == "[[[1]]]");
  CHECK(reparsed("[[{\"a\":[]}]]", depth) == "too_large: JSON is nested too deeply");
  CHECK(reparsed("[[[[]]]]", depth) == "too_large: JSON is nested too deeply");
  CHECK(reparsed(std::string(64, '[') + std::string(64, ']')).size() == 128);
  CHECK(reparsed(std::string(65, '[') + std::string(65, ']')) ==
        "too_large: JSON is nested too deeply");
  CHECK(reparsed(std::string(500'000, '[') + std::string(500'000, ']')) ==
        "too_large: JSON is nested too deeply");

  const json::ParseLimits nodes{.nodes_max = 5};
  CHECK(reparsed("{\"a\":1,\"b\":2}", nodes) == "{\"a\":1,\"b\":2}");
  CHECK(reparsed("{\"a\":1,\"b\":[2]}", nodes) == "too_large: JSON holds too many values");
  CHECK(reparsed("[1,2,3,4]", nodes) == "[1,2,3,4]");
  CHECK(reparsed("[1,2,3,4,5]", nodes) == "too_large: JSON holds too many values");

  const json::ParseLimits strings{.strings_max = 3};
  CHECK(reparsed("{\"a\":\"b\",\"c\":1}", strings) == "{\"a\":\"b\",\"c\":1}");
  CHECK(reparsed("{\"a\":\"b\",\"c\":\"d\"}", strings) ==
        "too_large: exceeded maximum number of strings");
  CHECK(reparsed("[1,2,3,4,5]", strings) == "[1,2,3,4,5]");
}

TEST_CASE("json: long texts, across chunks of the arena") {
  std::string value(3'000'000, 'x');
  const std::string plain = "{\"k\":\"" + value + "\"}";
  CHECK(reparsed(plain) == plain);
  std::string escaped;
  for (int i = 0; i < 200'000; ++i) escaped += "\\n\\\"\\u0001";
  const std::string many = "{\"k\":\"" + escaped + "\",\"l\":\"" + escaped + "\"}";
  CHECK(reparsed(many) == many);
}

TEST_CASE("json: accessors answer for their own kind only") {
  auto document = Document::parse(R"({"n":1.50,"s":"t","b":true,"a":[1,2],"o":{"k":null}})");
  REQUIRE(document.ok());
  const json::Value& root = document->root();
  REQUIRE(root.is_object());
  CHECK(root.members().size() == 5);
  CHECK(root.find("missing") == nullptr);
  CHECK(root.find("n")->kind() == json::Kind::number);
  CHECK(root.find("n")->text() == "1.50");
  CHECK(root.find("s")->text() == "t");
  CHECK(root.find("s")->find("t") == nullptr);
  CHECK(root.find("b")->boolean());
  CHECK_FALSE(root.find("s")->boolean());
  CHECK(root.find("a")->items().size() == 2);
  CHECK(root.find("a")->members().empty());
  CHECK(root.find("o")->find("k")->is_null());
}

TEST_CASE("json: values outlive the text they were parsed from, and moves of their document") {
  auto text = std::make_unique<std::string>(R"({"key":"value","n":12})");
  auto parsed = Document::parse(*text);
  REQUIRE(parsed.ok());
  text->assign(text->size(), '#');
  text.reset();
  Document moved = std::move(parsed).value();
  CHECK(text_of(moved.root()) == R"({"key":"value","n":12})");
  Document assigned;
  CHECK(assigned.root().is_null());
  assigned = std::move(moved);
  CHECK(text_of(assigned.root()) == R"({"key":"value","n":12})");
  CHECK(moved.root().is_null());
}

TEST_CASE("json: built and adopted values") {
  Document document;
  {
    Document other = std::move(Document::parse(R"({"x":[1.0,"é",null,true]})")).value();
    std::string key = "key";
    const json::Value* items[] = {document.make_number("2e1"), document.make_string("s\n"),
                                  document.make_bool(false), document.make_null(),
                                  document.adopt(other.root())};
    const json::Member members[] = {{key, document.make_array(items)},
                                    {"empty", document.make_object({})}};
    document.set_root(document.make_object(members));
  }
  CHECK(text_of(document.root()) ==
        R"({"key":[2e1,"s\n",false,null,{"x":[1.0,"é",null,true]}],"empty":{}})");
}

TEST_CASE("json: write_string escapes what it must and replaces stray bytes") {
  const std::vector<Row> rows = {
      {"", "\"\""},
      {"plain /'<>&", "\"plain /'<>&\""},
      {"\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
      {"\x01\x1f\x7f\x20"s, "\"\\u0001\\u001f\\u007f \""},
      {"\0"s, "\"\\u0000\""},
      {"\xe2\x80\xa8é😀", "\"\xe2\x80\xa8é😀\""},
      {"a\xff\"b", "\"a\xEF\xBF\xBD\\\"b\""},
      {"\xe6\x97", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"é\xc0\xaf日", "\"é\xEF\xBF\xBD\xEF\xBF\xBD日\""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.input);
    SecretBytes out;
    json::write_string(row.input, out);
    CHECK(out.expose_text() == row.expected);
  }
}

TEST_CASE("json: writer") {
  auto document = Document::parse(R"([1.0])");
  REQUIRE(document.ok());
  SecretBytes out;
  json::Writer writer(out);
  writer.begin_object().key("a").integer(-5).key("b").begin_array().string("x").null();
  writer.boolean(true).begin_object().end_object().begin_array().end_array();
  writer.unsigned_integer(UINT64_MAX).end_array();
  writer.key("c").value(document->root()).key("d").raw("{\"r\":1}");
  writer.key("e").begin_object().key("f").integer(INT64_MIN).end_object().end_object();
  CHECK(out.expose_text() ==
        R"({"a":-5,"b":["x",null,true,{},[],18446744073709551615],"c":[1.0],"d":{"r":1},)"
        R"("e":{"f":-9223372036854775808}})");
}

TEST_CASE("json: writer to its greatest depth") {
  SecretBytes out;
  json::Writer writer(out);
  for (int i = 0; i < 64; ++i) writer.begin_array();
  writer.integer(1).integer(2);
  for (int i = 0; i < 64; ++i) writer.end_array();
  std::string expected(64, '[');
  expected.append("1,2").append(64, ']');
  CHECK(out.expose_text() == expected);
}

TEST_CASE("json: any string survives writing and parsing") {
  REQUIRE(rc::check([] {
    // Code points rather than bytes, so that every string is valid UTF-8.
    const auto points = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::oneOf(
        rc::gen::inRange<std::uint32_t>(0, 0x100), rc::gen::inRange<std::uint32_t>(0x100, 0xD800),
        rc::gen::inRange<std::uint32_t>(0xE000, 0x110000)));
    std::string text;
    for (const std::uint32_t c : points) {
      if (c < 0x80) {
        text += static_cast<char>(c);
      } else if (c < 0x800) {
        text += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
      } else if (c < 0x10000) {
        text += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
                 static_cast<char>(0x80 | (c & 0x3F))};
      } else {
        text += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)),
                 static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
      }
    }
    SecretBytes out;
    json::write_string(text, out);
    auto document = Document::parse(out.expose_text());
    RC_ASSERT(document.ok());
    RC_ASSERT(document->root().is_string());
    RC_ASSERT(document->root().text() == text);
  }));
}

}  // namespace
