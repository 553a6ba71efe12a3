// What reaches the terminal: escapes, tables, durations; the token on the command line; addresses.
#include <doctest/doctest.h>

#include "events/json/json_value.h"
#include "tools/coffer/connection.h"
#include "tools/coffer/output.h"
#include "tools/coffer/table.h"

namespace coffer::cli {
namespace {

TEST_CASE("nothing that steers a terminal is printed") {
  struct Row {
    std::string text;
    std::string shown;
  };
  const Row rows[] = {
      {"plain text", "plain text"},
      {"caf\xC3\xA9 \xF0\x9F\x94\x91", "caf\xC3\xA9 \xF0\x9F\x94\x91"},
      {"\x1b[2J", "\\u001b[2J"},
      {std::string("\0\a\t\n\r", 5), "\\u0000\\u0007\\u0009\\u000a\\u000d"},
      {"\x7f", "\\u007f"},
      {"\xC2\x9B"
       "31m",
       "\\u009b31m"},               // CSI above ASCII
      {"\xE2\x80\xAE", "\\u202e"},  // right-to-left override
      {"\xE2\x80\xA8", "\\u2028"},  // line separator
      {"\xEF\xBB\xBF", "\\ufeff"},  // byte order mark
      {"\x9B", "\\x9b"},            // no UTF-8
      {"\xC3", "\\xc3"},            // cut off
      {"\xC3(", "\\xc3("},          // wrong second byte
      {"\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"", ""},
  };
  for (const auto& row : rows) CHECK(printable(row.text) == row.shown);
}

TEST_CASE("JSON that was made printable still means the same") {
  const std::string text = "\xC2\x9B\xE2\x80\xAE\x1b\x7f";
  SecretBytes json;
  json::Writer(json).begin_object().key("k").string(text).end_object();
  const auto shown = printable(json.expose_text());
  CHECK(shown.find('\x9B') == std::string::npos);
  const auto parsed = json::Document::parse(shown);
  REQUIRE(parsed.ok());
  CHECK(parsed->root().find("k")->text() == text);
}

TEST_CASE("tables") {
  Table table({{"NAME"}, {"N", Align::right}, {"LAST"}});
  table.add({"a", "1000", "x"});
  table.add({"caf\xC3\xA9s", "7", ""});
  table.add({"", "\n", "end  "});
  CHECK(table.text() ==
        "NAME        N  LAST\n"
        "a        1000  x\n"
        "caf\xC3\xA9s       7  -\n"
        "-      \\u000a  end  \n");
}

TEST_CASE("short durations") {
  struct Row {
    std::uint64_t ns;
    std::string shown;
  };
  const Row rows[] = {
      {0, "0 ns"},
      {999, "999 ns"},
      {1'500, "1.50 us"},
      {12'345'678, "12.35 ms"},
      {59'990'000'000, "59.99 s"},
      {125'000'000'000, "2 m 05 s"},
  };
  for (const auto& row : rows) CHECK(short_duration(row.ns) == row.shown);
}

TEST_CASE("the token is taken off the command line") {
  struct Row {
    std::vector<std::string> before;
    std::string token;
    std::vector<std::string> after;
  };
  const Row rows[] = {
      {{"coffer", "status"}, "", {"coffer", "status"}},
      {{"coffer", "--token", "hvs.abc", "status"},
       "hvs.abc",
       {"coffer", "--token", "*******", "status"}},
      {{"coffer", "status", "--token=hvs.abc"}, "hvs.abc", {"coffer", "status", "--token=*******"}},
      {{"coffer", "--token=a", "--token", "b"}, "b", {"coffer", "--token=*", "--token", "*"}},
      {{"coffer", "--token"}, "", {"coffer", "--token"}},
      {{"coffer", "--tokens=a"}, "", {"coffer", "--tokens=a"}},
  };
  for (auto row : rows) {
    std::vector<char*> arguments;
    for (auto& argument : row.before) arguments.push_back(argument.data());
    const auto token = take_token_argument(static_cast<int>(arguments.size()), arguments.data());
    CHECK(token.expose_text() == row.token);
    CHECK(row.before == row.after);
  }
}

TEST_CASE("addresses") {
  struct Row {
    std::string address;
    std::string becomes;  // empty: refused
  };
  const Row rows[] = {
      {"https://127.0.0.1:8200", "https://127.0.0.1:8200"},
      {"https://vault.example/", "https://vault.example"},
      {"https://vault.example/a//", "https://vault.example/a"},
      {"https://[::1]:8200", "https://[::1]:8200"},
      {"http://127.0.0.1:8200", ""},
      {"127.0.0.1:8200", ""},
      {"https://", ""},
      {"https:///", ""},
      {"https://user:password@host", ""},
      {"https://host?x=1", ""},
      {"https://host#x", ""},
      {"file:///etc/passwd", ""},
      {"", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.address);
    const auto address = check_address(row.address);
    CHECK(address.ok() == !row.becomes.empty());
    if (address.ok())
      CHECK(*address == row.becomes);
    else
      CHECK(address.error().message.find("password") == std::string::npos);
  }
}

}  // namespace
}  // namespace coffer::cli
