// X-Vault-Index and X-Vault-Inconsistent on requests and answers.
#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

TEST_CASE("every answer to somebody who was let in carries the index") {
  struct Row {
    const char* token;
    const char* method;
    const char* target;
    bool carries;
  };
  constexpr Row kRows[] = {
      {"root-token", "POST", "secret/data/a", true},
      {"root-token", "GET", "secret/data/a", true},
      {"root-token", "GET", "secret/data/none", true},
      {"root-token", "LIST", "secret/metadata/", true},
      {"root-token", "GET", "sys/mounts", true},
      {"limited-token", "GET", "secret/data/a", false},
      {"nobody", "GET", "secret/data/a", false},
      {"", "GET", "sys/health", false},
      {"", "GET", "sys/seal-status", false},
  };
  ApiClient client;
  for (const auto& row : kRows) {
    INFO(row.token, " ", row.method, " ", row.target);
    const auto* body = std::string_view(row.method) == "POST" ? R"({"data":{"x":1}})" : "";
    const auto got = client.send_as(row.token, row.method, row.target, body);
    CHECK(got.header("X-Vault-Index") == (row.carries ? "index-of-now" : ""));
  }
  client.port.index.clear();
  CHECK(client.send("GET", "secret/data/a").header("X-Vault-Index") == "");
}

TEST_CASE("a state that is asked for is here, or the request is refused") {
  struct Row {
    Headers headers;
    int status;
    const char* error;
  };
  const Row rows[] = {
      {{{"x-vault-index", "older"}}, 200, ""},
      {{{"x-vault-index", ""}}, 200, ""},
      {{{"x-vault-index", "older"}, {"x-vault-index", "index-of-now"}}, 200, ""},
      {{{"x-vault-index", "later"}}, 412, "required index state not present"},
      {{{"x-vault-index", "older"}, {"x-vault-index", "later"}},
       412,
       "required index state not present"},
      {{{"x-vault-index", "later"}, {"x-vault-inconsistent", "forward-active-node"}},
       412,
       "required index state not present"},
      {{{"x-vault-index", "odd"}}, 400, "X-Vault-Index is not an index of this vault"},
      {Headers(17, {"x-vault-index", "older"}), 400, "too many X-Vault-Index headers"},
      {{{"x-vault-inconsistent", "forward-active-node"}}, 200, ""},
      {{{"x-vault-inconsistent", "fail"}}, 200, ""},
      {{{"x-vault-inconsistent", "guess"}}, 400, "unsupported value of X-Vault-Inconsistent"},
  };
  for (const auto& row : rows)
    for (const bool writes : {false, true}) {
      ApiClient client;
      client.must("POST", "secret/data/a", R"({"data":{"x":1}})");
      const auto calls = client.port.calls;
      const auto got = writes ? client.send("POST", "secret/data/a", R"({"data":{}})", row.headers)
                              : client.send("GET", "secret/data/a", {}, row.headers);
      INFO(row.headers.front().second, " writes ", writes);
      CHECK(got.status == row.status);
      if (row.status != 200) {
        CHECK(got.body == error_body(row.error));
        CHECK(client.port.calls == calls);
      }
    }
}

// Whether an index is right is told to those only who were let in.
TEST_CASE("a state that is asked for changes no other refusal") {
  ApiClient client;
  for (const char* index : {"older", "later", "odd"}) {
    const auto got =
        client.send_as("nobody", "GET", "secret/data/a", {}, {{"x-vault-index", index}});
    CHECK(got.status == 403);
    CHECK(got.body == kDenied);
    CHECK(client.send("GET", "sys/health", {}, {{"x-vault-index", index}}).status == 200);
  }
}

}  // namespace
}  // namespace coffer::test
