#include <doctest/doctest.h>

#include "net/vault_api/body_parser.h"
#include "net/vault_api/request_parser.h"
#include "net/vault_api/url_text.h"

namespace coffer::net::vault {
namespace {

using policy::Operation;
using Headers = std::vector<std::pair<std::string, std::string>>;

ParsedRequest parse(std::string method, std::string target, Headers headers = {},
                    std::string_view body = {}) {
  HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = std::move(headers);
  request.body = SecretBytes(body);
  return parse_request(request, {});
}

std::string fields_text(const ParsedRequest& parsed) {
  if (!parsed.fields) return "none";
  SecretBytes out;
  json::write(parsed.fields->root(), out);
  return std::string(out.expose_text());
}

TEST_CASE("a target becomes operation and path") {
  struct Row {
    const char* method;
    const char* target;
    Operation operation;
    const char* path;
  };
  const Row rows[] = {
      {"GET", "/v1/secret/data/a", Operation::read, "secret/data/a"},
      {"GET", "/v1/secret/data/a%20b%2Fc", Operation::read, "secret/data/a b/c"},
      {"GET", "/v1/secret/data/%C3%BC", Operation::read, "secret/data/\xC3\xBC"},
      {"GET", "/v1/secret/data/a+b", Operation::read, "secret/data/a+b"},
      {"GET", "https://vault:8200/v1/secret/data/a", Operation::read, "secret/data/a"},
      {"GET", "/v1/secret/data/a..b", Operation::read, "secret/data/a..b"},
      {"POST", "/v1/x", Operation::update, "x"},
      {"PUT", "/v1/x", Operation::update, "x"},
      {"DELETE", "/v1/x", Operation::remove, "x"},
      {"LIST", "/v1/x", Operation::list, "x/"},
      {"LIST", "/v1/x/", Operation::list, "x/"},
      {"GET", "/v1/x?list=true", Operation::list, "x/"},
      {"GET", "/v1/x/?list=1", Operation::list, "x/"},
      {"GET", "/v1/x?list=false", Operation::read, "x"},
      {"GET", "/v1/x?list=", Operation::read, "x"},
      {"SCAN", "/v1/x", Operation::scan, "x/"},
      {"GET", "/v1/x?scan=t", Operation::scan, "x/"},
      {"DELETE", "/v1/x?list=true", Operation::remove, "x"},
  };
  for (const auto& row : rows) {
    INFO(row.method, " ", row.target);
    const auto parsed = parse(row.method, row.target);
    REQUIRE_FALSE(parsed.refusal.has_value());
    CHECK(parsed.operation == row.operation);
    CHECK(parsed.path == row.path);
  }
}

TEST_CASE("what no route may see is refused at once") {
  struct Row {
    const char* method;
    const char* target;
    int status;
    ParseRefusal::Shape shape;
    const char* text;
  };
  using Shape = ParseRefusal::Shape;
  const Row rows[] = {
      {"GET", "/v1/a%zz", 400, Shape::plain, "400 Bad Request"},
      {"GET", "/v1/a%2", 400, Shape::plain, "400 Bad Request"},
      {"GET", "/v1/a%00", 400, Shape::empty, ""},
      {"GET", "/v1/a%0A", 400, Shape::empty, ""},
      {"GET", "/v1/a%7F", 400, Shape::empty, ""},
      {"GET", "/v1/a%FF", 400, Shape::empty, ""},
      {"GET", "/v1/a%E2%80%8Bb", 400, Shape::empty, ""},
      {"GET", "/v1/a/%2e%2e/b", 400, Shape::errors, "relative paths not supported"},
      {"GET", "/v1/%2E%2E", 400, Shape::errors, "relative paths not supported"},
      {"GET", "/v1//a", 307, Shape::redirect, "/v1/a"},
      {"POST", "/v1/a/./b?c=d", 307, Shape::redirect, "/v1/a/b?c=d"},
      {"DELETE", "/v1/a/../b/", 307, Shape::redirect, "/v1/b/"},
      {"GET", "/v1/a/..", 307, Shape::redirect, "/v1"},
      {"GET", "//host/v1/a", 307, Shape::redirect, "/host/v1/a"},
      {"GET", "/../../v1/a", 307, Shape::redirect, "/v1/a"},
      {"GET", "/", 404, Shape::errors, ""},
      {"GET", "/v2/a", 404, Shape::errors, ""},
      {"GET", "/v1", 404, Shape::errors, ""},
      {"HEAD", "/v1/secret/data/a", 405, Shape::errors, ""},
      {"HEAD", "/v1/sys/init", 405, Shape::errors, ""},
      {"OPTIONS", "/v1/a", 400, Shape::errors, "cannot handle internal-only request operation"},
      {"get", "/v1/a", 405, Shape::errors, ""},
      {"BREW", "/v1/a", 405, Shape::errors, ""},
      {"GET", "/v1/a?list=maybe", 400, Shape::errors, ""},
      {"GET", "/v1/a?list=true&scan=true", 400, Shape::errors, ""},
  };
  for (const auto& row : rows) {
    INFO(row.method, " ", row.target);
    const auto parsed = parse(row.method, row.target);
    REQUIRE(parsed.refusal.has_value());
    CHECK(parsed.refusal->status == row.status);
    CHECK(parsed.refusal->shape == row.shape);
    CHECK(parsed.refusal->text == row.text);
  }
}

TEST_CASE("the query becomes fields; bodies do not mix with it") {
  CHECK(fields_text(parse("GET", "/v1/a?version=3")) == R"({"version":"3"})");
  CHECK(fields_text(parse("GET", "/v1/a?b=2&a=1&b=%33+x")) == R"({"a":"1","b":["2","3 x"]})");
  CHECK(fields_text(parse("GET", "/v1/a?api%2Dversion=1&x")) == R"({"api-version":"1","x":""})");
  CHECK(fields_text(parse("GET", "/v1/a?help=1")) == "none");
  CHECK(fields_text(parse("GET", "/v1/a?bad=%zz&ok=1&bytes=%FF&a;b=1")) == R"({"ok":"1"})");
  CHECK(fields_text(parse("GET", "/v1/a?")) == "none");
  CHECK(fields_text(parse("POST", "/v1/a?x=1", {}, R"({"y":2})")) == R"({"y":2})");
  CHECK(fields_text(parse("DELETE", "/v1/a?x=1", {}, R"({"y":2})")) == R"({"x":"1"})");
}

TEST_CASE("a body is JSON whatever its type says, a form only when it looks like one") {
  const Headers form = {{"content-type", "application/x-www-form-urlencoded"}};
  const Headers json = {{"content-type", "text/plain"}};
  struct Row {
    Headers headers;
    const char* body;
    const char* fields;
    const char* error;
  };
  const Row rows[] = {
      {{}, R"({"a":1.0})", R"({"a":1.0})", nullptr},
      {json, R"({"a":{"b":[1]}})", R"({"a":{"b":[1]}})", nullptr},
      {form, R"( {"a":1})", R"({"a":1})", nullptr},
      {form, "a=1&b=x%20y", R"({"a":"1","b":"x y"})", nullptr},
      {{{"content-type", "Application/X-WWW-Form-UrlEncoded; charset=utf-8"}},
       "a=1",
       R"({"a":"1"})",
       nullptr},
      {form, "a=%zz", nullptr, "error parsing form data"},
      {{}, "", "none", nullptr},
      {{}, " \n", "none", nullptr},
      {{}, "null", "none", nullptr},
      {{}, R"({"a":1,"a":2})", R"({"a":2})", nullptr},
      {{}, "[1]", nullptr, "failed to decode JSON input: not an object"},
      {{}, "7", nullptr, "failed to decode JSON input: not an object"},
      {{}, "a=1", nullptr, "failed to decode JSON input: "},
      {{}, "{", nullptr, "failed to decode JSON input: "},
      {{}, R"({"a":1} x)", nullptr, "failed to decode JSON input: "},
      {{}, "\xEF\xBB\xBF{}", nullptr, "failed to decode JSON input: "},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    const auto parsed = parse("POST", "/v1/a", row.headers, row.body);
    if (row.fields != nullptr) {
      REQUIRE_FALSE(parsed.refusal.has_value());
      CHECK(fields_text(parsed) == row.fields);
    } else {
      REQUIRE(parsed.refusal.has_value());
      CHECK(parsed.refusal->status == 400);
      CHECK(parsed.refusal->text.starts_with(row.error));
    }
  }
}

TEST_CASE("a body of very many strings is refused") {
  std::string body = "{\"a\":[";
  for (int i = 0; i < 1000; ++i) body += "\"\",";
  body += "\"\"]}";
  const auto parsed = parse("POST", "/v1/a", {}, body);
  REQUIRE(parsed.refusal.has_value());
  CHECK(parsed.refusal->status == 400);
  CHECK(parsed.refusal->text ==
        "refused JSON input due to high complexity: exceeded maximum number of strings");
}

TEST_CASE("PATCH insists on its content type") {
  struct Row {
    const char* type;
    int status;
    const char* text;
  };
  const Row rows[] = {
      {"application/merge-patch+json", 0, ""},
      {"Application/Merge-Patch+JSON; charset=\"utf-8\"; a=b", 0, ""},
      {"application/json", 415,
       "PATCH requires Content-Type of application/merge-patch+json, provided application/json"},
      {"", 400, "mime: no media type"},
      {"application/", 400, "mime: expected token after slash"},
      {"application/merge-patch+json; charset", 400, "mime: invalid media parameter"},
  };
  for (const auto& row : rows) {
    INFO(row.type);
    const auto parsed = parse("PATCH", "/v1/a", {{"content-type", row.type}}, "{}");
    CHECK(parsed.refusal.has_value() == (row.status != 0));
    if (!parsed.refusal) continue;
    CHECK(parsed.refusal->status == row.status);
    CHECK(parsed.refusal->text == row.text);
  }
}

TEST_CASE("tokens leave the headers, X-Vault-Token before Authorization") {
  struct Row {
    Headers headers;
    const char* token;
  };
  const Row rows[] = {
      {{{"x-vault-token", "a"}}, "a"},
      {{{"authorization", "Bearer b"}}, "b"},
      {{{"authorization", "bearer b"}}, ""},
      {{{"authorization", "Basic b"}}, ""},
      {{{"authorization", "Bearer b"}, {"x-vault-token", "a"}}, "a"},
      {{{"x-vault-token", "a"}, {"authorization", "Bearer b"}}, "a"},
      {{{"x-vault-token", ""}, {"authorization", "Bearer b"}}, "b"},
      {{{"x-vault-token", "a"}, {"x-vault-token", "c"}}, "a"},
      {{}, ""},
  };
  for (const auto& row : rows) {
    HttpRequest request;
    request.method = "GET";
    request.target = "/v1/a";
    request.headers = row.headers;
    const auto parsed = parse_request(request, {});
    CHECK(parsed.token.expose_text() == row.token);
    for (const auto& [name, value] : request.headers) CHECK(value.empty());
  }
}

TEST_CASE("the namespace header is normalised and echoed as it was") {
  struct Row {
    const char* header;
    const char* path;
  };
  const Row rows[] = {{"a", "a/"}, {"a/b/", "a/b/"}, {"/a/", "a/"},
                      {"", ""},    {"root", ""},     {"/", ""}};
  for (const auto& row : rows) {
    const auto parsed = parse("GET", "/v1/x", {{"x-vault-namespace", row.header}});
    REQUIRE_FALSE(parsed.refusal.has_value());
    CHECK(parsed.namespace_path == row.path);
    CHECK(parsed.namespace_echo == row.header);
  }
  CHECK(parse("GET", "/v1/x", {{"x-vault-namespace", "a\xFF"}}).refusal->status == 400);
}

TEST_CASE("a wish for response wrapping") {
  struct Row {
    const char* ttl;
    std::int64_t seconds;
    const char* text;
  };
  const Row rows[] = {
      {"0", 0, nullptr},
      {"", 0, nullptr},
      {"60", 60, nullptr},
      {"5m", 300, nullptr},
      {"-5", 0, "error parsing X-Vault-Wrap-TTL header: requested wrap ttl is negative"},
      {"1.5", 0, "error parsing X-Vault-Wrap-TTL header: "},
      {"soon", 0, "error parsing X-Vault-Wrap-TTL header: "},
  };
  for (const auto& row : rows) {
    INFO(row.ttl);
    const auto parsed = parse("GET", "/v1/x", {{"x-vault-wrap-ttl", row.ttl}});
    CHECK(parsed.refusal.has_value() == (row.text != nullptr));
    CHECK(parsed.wrap_ttl == Seconds{row.seconds});
    if (!parsed.refusal) continue;
    CHECK(parsed.refusal->status == 400);
    CHECK(parsed.refusal->text.starts_with(row.text));
  }
}

TEST_CASE("path cleaning leaves clean paths alone") {
  CHECK_FALSE(cleaned_path("/").has_value());
  CHECK_FALSE(cleaned_path("/v1/a/").has_value());
  CHECK_FALSE(cleaned_path("/v1/.a/b..c/...").has_value());
  CHECK(cleaned_path("").value() == "/");
  CHECK(cleaned_path("v1").value() == "/v1");
  CHECK(cleaned_path("/a//b/").value() == "/a/b/");
  CHECK(cleaned_path("/a/.").value() == "/a");
}

}  // namespace
}  // namespace coffer::net::vault
