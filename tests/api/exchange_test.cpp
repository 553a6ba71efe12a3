#include <doctest/doctest.h>

#include <string>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

struct Request {
  const char* method;
  const char* target;
  const char* body = "";
};

// One of every kind: refused by the parser, public, refused by the gate, every family of routes.
constexpr Request kEveryKind[] = {
    {"GET", "/v1/a%zz"},
    {"GET", "/v1//a"},
    {"GET", "/nowhere"},
    {"BREW", "secret/data/a"},
    {"OPTIONS", "secret/data/a"},
    {"POST", "secret/data/a", "{"},
    {"POST", "secret/data/"},
    {"GET", "sys/health"},
    {"HEAD", "sys/health"},
    {"POST", "sys/health"},
    {"GET", "sys/seal-status"},
    {"GET", "sys/leader"},
    {"GET", "sys/init"},
    {"PUT", "sys/init", R"({"secret_shares":1,"secret_threshold":1})"},
    {"PUT", "sys/unseal", R"({"key":"0102"})"},
    {"PUT", "sys/unseal", R"({"reset":true})"},
    {"GET", "secret/data/a"},
    {"GET", "secret/data/none"},
    {"POST", "secret/data/a", R"({"data":{"x":1}})"},
    {"PATCH", "secret/data/a", R"({"data":{"x":2}})"},
    {"DELETE", "secret/data/a"},
    {"POST", "secret/undelete/a", R"({"versions":[1]})"},
    {"POST", "secret/destroy/b", R"({"versions":[1]})"},
    {"GET", "secret/metadata/a"},
    {"LIST", "secret/metadata/"},
    {"POST", "secret/metadata/a", R"({"max_versions":3})"},
    {"PATCH", "secret/metadata/a", R"({"max_versions":4})"},
    {"DELETE", "secret/metadata/b"},
    {"GET", "secret/subkeys/a"},
    {"GET", "secret/config"},
    {"POST", "secret/config", R"({"max_versions":9})"},
    {"GET", "secret/wrong"},
    {"GET", "nothing/here"},
    {"GET", "sys/unknown"},
    {"GET", "sys/mounts"},
    {"GET", "sys/mounts/secret"},
    {"POST", "sys/mounts/kv", R"({"type":"kv-v2"})"},
    {"POST", "sys/mounts/kv/tune", R"({"description":"d"})"},
    {"GET", "sys/mounts/kv/tune"},
    {"DELETE", "sys/mounts/kv"},
    {"GET", "sys/internal/ui/mounts"},
    {"GET", "sys/internal/ui/mounts/secret/a"},
    {"GET", "sys/auth"},
    {"GET", "sys/auth/token"},
    {"POST", "sys/auth/approle", R"({"type":"approle"})"},
    {"LIST", "sys/policies/acl"},
    {"GET", "sys/policies/acl/root"},
    {"PUT", "sys/policies/acl/p", R"({"policy":"path \"a\" { capabilities = [\"read\"] }"})"},
    {"DELETE", "sys/policies/acl/p"},
    {"GET", "sys/policy"},
    {"POST", "sys/capabilities-self", R"({"paths":["a"]})"},
    {"LIST", "sys/namespaces"},
    {"POST", "sys/namespaces/new"},
    {"GET", "sys/namespaces/new"},
    {"PATCH", "sys/namespaces/new", R"({"custom_metadata":{"a":"b"}})"},
    {"DELETE", "sys/namespaces/new"},
    {"GET", "sys/actors"},
    {"GET", "sys/events"},
    {"GET", "sys/events/verify"},
    {"GET", "auth/token/lookup-self"},
    {"POST", "auth/token/lookup", R"({"token":"limited-token"})"},
    {"POST", "auth/token/lookup-accessor", R"({"accessor":"accessor-2"})"},
    {"POST", "auth/token/create", R"({"policies":"p","ttl":"1h"})"},
    {"POST", "auth/token/create-orphan"},
    {"POST", "auth/token/create/role"},
    {"POST", "auth/token/roles/role", R"({"orphan":true})"},
    {"GET", "auth/token/roles/role"},
    {"LIST", "auth/token/roles"},
    {"DELETE", "auth/token/roles/role"},
    {"POST", "sys/mounts/old", R"({"type":"kv-v1"})"},
    {"POST", "old/a", R"({"x":1})"},
    {"GET", "old/a"},
    {"LIST", "old/"},
    {"DELETE", "old/a"},
    {"POST", "sys/remount", R"({"from":"old","to":"new"})"},
    {"GET", "sys/remount/status/none"},
    {"POST", "sys/wrapping/wrap", R"({"x":1})"},
    {"POST", "sys/wrapping/unwrap", R"({"token":"nobody"})"},
    {"POST", "sys/wrapping/lookup", R"({"token":"nobody"})"},
    {"POST", "sys/wrapping/rewrap", R"({"token":"nobody"})"},
    {"POST", "auth/token/renew-self"},
    {"LIST", "auth/token/accessors"},
    {"POST", "auth/token/revoke", R"({"token":"nobody"})"},
    {"POST", "auth/token/revoke-accessor", R"({"accessor":"nobody"})"},
    {"POST", "auth/token/revoke-self"},
    {"POST", "sys/seal"},
};

std::size_t records(const FakePort& port) {
  return port.recorded.size() + port.recorded_with_change.size();
}

TEST_CASE("every answer has one access record with its status, and is given once") {
  ApiClient client;
  for (const auto& request : kEveryKind) {
    INFO(request.method, " ", request.target);
    const auto before = records(client.port);
    const auto with_change = client.port.recorded_with_change.size();
    const auto got = client.send(request.method, request.target, request.body);
    CHECK(got.answers == 1);
    CHECK(got.status >= 200);
    REQUIRE(records(client.port) == before + 1);
    const int recorded = client.port.recorded_with_change.size() > with_change
                             ? client.port.recorded_with_change.back()
                             : client.port.recorded.back().status;
    CHECK(recorded == got.status);
  }
}

TEST_CASE("refused requests are recorded with their error and their path") {
  ApiClient client;
  CHECK(client.send_as("", "GET", "secret/data/a").status == 403);
  CHECK(client.port.recorded.back().error == ErrorCode::permission_denied);
  CHECK(client.port.heads.back().path == "secret/data/a");
  CHECK(client.port.heads.back().remote_address == "192.0.2.7");
  CHECK(client.port.heads.back().request_id.size() == 36);
  CHECK(client.send("GET", "secret/data/none").status == 404);
  CHECK(client.port.recorded.back().error == ErrorCode::not_found);
  CHECK(client.send("GET", "sys/health").status == 200);
  CHECK_FALSE(client.port.recorded.back().error.has_value());
}

TEST_CASE("the record of a read names the version") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{}})");
  client.must("POST", "secret/data/a", R"({"data":{}})");
  client.must("GET", "secret/data/a");
  CHECK(client.port.recorded.back().secret_version == 2);
}

TEST_CASE("nothing leaves before the record is durable") {
  for (const auto& request : kEveryKind) {
    ApiClient client;
    client.must("POST", "secret/data/a", R"({"data":{"x":"canary"}})");
    client.port.changes_record_themselves = false;
    client.port.hold_records = true;
    INFO(request.method, " ", request.target);
    CHECK(client.send(request.method, request.target, request.body).answers == 0);
    client.port.release_records();
  }
}

TEST_CASE("a record that fails takes the answer with it") {
  const Error failures[] = {{ErrorCode::unavailable, "disk /secret/place is full"},
                            {ErrorCode::internal, "boom"},
                            {ErrorCode::invalid_argument, "odd"}};
  for (const auto& failure : failures)
    for (const auto& request : kEveryKind) {
      ApiClient client;
      client.must("POST", "secret/data/a", R"({"data":{"x":"canary"}})");
      client.port.changes_record_themselves = false;
      client.port.record_failure = failure;
      INFO(request.method, " ", request.target);
      const auto got = client.send(request.method, request.target, request.body);
      CHECK(got.status == (failure.code == ErrorCode::unavailable ? 503 : 500));
      CHECK(got.body == error_body(failure.code == ErrorCode::unavailable
                                       ? "service is temporarily unavailable"
                                       : "internal error"));
      CHECK(got.header("Location") == "");
    }
}

TEST_CASE("a call that fails becomes the status of its code, without what went wrong inside") {
  struct Row {
    ErrorCode code;
    int status;
    const char* text;  // for the message "why"
  };
  const Row rows[] = {
      {ErrorCode::invalid_argument, 400, "why"},
      {ErrorCode::permission_denied, 403, "why"},
      {ErrorCode::not_found, 404, "why"},
      {ErrorCode::already_exists, 400, "why"},
      {ErrorCode::cas_mismatch, 400, "why"},
      {ErrorCode::cas_required, 400, "why"},
      {ErrorCode::unsupported, 405, "why"},
      {ErrorCode::too_large, 413, "why"},
      {ErrorCode::quota_exceeded, 429, "why"},
      {ErrorCode::internal, 500, "internal error"},
      {ErrorCode::sealed, 503, "Vault is sealed"},
      {ErrorCode::not_initialized, 503, "Vault is sealed"},
      {ErrorCode::unavailable, 503, "service is temporarily unavailable"},
      {ErrorCode::overloaded, 503, "service is overloaded"},
      {ErrorCode::corrupt, 500, "internal error"},
      {ErrorCode::unknown_outcome, 503, "service is temporarily unavailable"},  // of a read
  };
  for (const auto& row : rows) {
    ApiClient client;
    client.port.next_failure = Error{row.code, "why"};
    const auto got = client.send("GET", "secret/data/a");
    CHECK(got.status == row.status);
    CHECK(got.body == error_body(row.text));
    const bool later = row.status == 503 && row.code != ErrorCode::sealed &&
                       row.code != ErrorCode::not_initialized;
    CHECK(got.header("Retry-After") == (later ? "1" : ""));
    CHECK(client.port.recorded.back().error ==
          (row.code == ErrorCode::unknown_outcome ? ErrorCode::unavailable : row.code));
  }
}

// Only what may have changed something leaves its client in doubt.
TEST_CASE("an unknown outcome is told for changes, reads are to be repeated") {
  struct Row {
    Request request;
    bool changes;
  };
  constexpr Row kRows[] = {
      {{"GET", "secret/data/a"}, false},
      {{"LIST", "secret/metadata/"}, false},
      {{"GET", "secret/metadata?list=true"}, false},
      {{"GET", "auth/token/lookup-self"}, false},
      {{"POST", "secret/data/a", R"({"data":{"x":1}})"}, true},
      {{"PATCH", "secret/data/a", R"({"data":{"x":1}})"}, true},
      {{"DELETE", "secret/data/a"}, true},
      {{"POST", "auth/token/create"}, true},
  };
  for (const auto& row : kRows)
    for (const bool by_record : {false, true}) {
      ApiClient client;
      client.must("POST", "secret/data/a", R"({"data":{"x":0}})");
      const Error unknown{ErrorCode::unknown_outcome, "why"};
      client.port.changes_record_themselves = false;
      if (by_record)
        client.port.record_failure = unknown;
      else
        client.port.next_failure = unknown;
      INFO(row.request.method, " ", row.request.target, " by record ", by_record);
      const auto got = client.send(row.request.method, row.request.target, row.request.body);
      CHECK(got.status == (row.changes ? 500 : 503));
      CHECK(got.header("Retry-After") == (row.changes ? "" : "1"));
      CHECK(got.body ==
            error_body(row.changes ? "internal error: whether the change was stored is not known"
                                   : "service is temporarily unavailable"));
    }
}

TEST_CASE("the two texts of a refusal") {
  ApiClient client;
  CHECK(client.send_as("", "GET", "secret/data/a").body == kDenied);
  CHECK(client.send_as("unknown", "GET", "secret/data/a").body == kDenied);
  CHECK(client.send_as(kLimitedToken, "GET", "secret/data/a").body ==
        error_body("1 error occurred:\n\t* permission denied\n\n"));
  // The policy is asked before it shows whether the path exists.
  CHECK(client.send_as(kLimitedToken, "GET", "nothing/here").status == 403);
  client.port.limited_paths = {"secret/data/"};
  CHECK(client.send_as(kLimitedToken, "GET", "secret/data/a").status == 404);
}

TEST_CASE("a sealed service says so, before all else") {
  ApiClient client;
  client.port.service.sealed = true;
  for (const Request request :
       {Request{"GET", "secret/data/a"}, Request{"POST", "secret/data/"},
        Request{"GET", "sys/mounts"}, Request{"GET", "sys/leader"}, Request{"PUT", "sys/seal"},
        Request{"GET", "sys/internal/ui/mounts"}}) {
    const auto got = client.send(request.method, request.target, request.body);
    CHECK(got.status == 503);
    CHECK(got.body == error_body("Vault is sealed"));
  }
  CHECK(client.send_as("", "GET", "sys/internal/ui/mounts").status == 503);
  CHECK(client.send("GET", "sys/seal-status").status == 200);
}

TEST_CASE("namespaces by header and by path") {
  ApiClient client;
  auto got = client.send("POST", "secret/data/a", R"({"data":{"team":1}})",
                         {{"x-vault-namespace", "team"}});
  CHECK(got.status == 200);
  CHECK(got.header("X-Vault-Namespace") == "team");
  CHECK(contains(client.send("GET", "team/secret/data/a").body, R"({"team":1})"));
  CHECK(client.send("GET", "secret/data/a").status == 404);
  got = client.send("GET", "secret/data/a", {}, {{"x-vault-namespace", "nobody/"}});
  CHECK(got.status == 404);
  CHECK(got.body == error_body("namespace not found"));
  got = client.send("PUT", "sys/seal", {}, {{"x-vault-namespace", "team/"}});
  CHECK(got.status == 400);
  CHECK(got.body == error_body("operation unavailable in namespaces"));
  CHECK(client.send("GET", "sys/health", {}, {{"x-vault-namespace", "nobody"}}).status == 200);
}

TEST_CASE("paths that nobody serves") {
  ApiClient client;
  CHECK(client.send("GET", "foo/bar").body ==
        error_body("no handler for route \"foo/bar\". route entry not found."));
  CHECK(client.send("GET", "sys/unknown").body ==
        error_body("1 error occurred:\n\t* unsupported path\n\n"));
  CHECK(client.send("GET", "auth/token/unknown").body ==
        error_body("1 error occurred:\n\t* unsupported path\n\n"));
  const auto got = client.send("DELETE", "sys/mounts");
  CHECK(got.status == 405);
  CHECK(got.body == error_body("1 error occurred:\n\t* unsupported operation\n\n"));
  CHECK(client.send("POST", "sys/health").body == kNoErrors);
}

TEST_CASE("redirects and bare refusals have the shapes of Vault's front") {
  ApiClient client;
  auto got = client.send("GET", "/v1//sys/health?a=\"b");
  CHECK(got.status == 307);
  CHECK(got.header("Location") == "/v1/sys/health?a=\"b");
  CHECK(got.content_type == "text/html; charset=utf-8");
  CHECK(got.body == "<a href=\"/v1/sys/health?a=&#34;b\">Temporary Redirect</a>.\n\n");
  got = client.send("POST", "/v1//sys/health");
  CHECK(got.status == 307);
  CHECK(got.body == "");
  got = client.send("GET", "/v1/a%zz");
  CHECK(got.content_type == "text/plain; charset=utf-8");
  CHECK(client.send("GET", "/v1/a%00").body == "");
}

}  // namespace
}  // namespace coffer::test
