#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

std::string text_member(std::string_view body, std::string_view key) {
  const auto mark = "\"" + std::string(key) + "\":\"";
  const auto at = body.find(mark);
  REQUIRE(at != std::string_view::npos);
  const auto begin = at + mark.size();
  return std::string(body.substr(begin, body.find('"', begin) - begin));
}

std::string create(ApiClient& client, std::string_view body) {
  const auto got = client.send("POST", "auth/token/create", body);
  INFO(got.body);
  REQUIRE(got.status == 200);
  return text_member(got.body, "client_token");
}

TEST_CASE("creating a token gives the auth block") {
  ApiClient client;
  const auto got = client.send(
      "POST", "auth/token/create",
      R"({"policies":["b","a"],"ttl":"1h","meta":{"k":"v"},"display_name":"d","num_uses":"3"})");
  CHECK(got.status == 200);
  CHECK(got.body ==
        envelope("null", "null",
                 R"({"client_token":"s.token3","accessor":"accessor-3",)"
                 R"("policies":["a","b","default"],"token_policies":["a","b","default"],)"
                 R"("metadata":{"k":"v"},"lease_duration":3600,"renewable":true,"entity_id":"",)"
                 R"("token_type":"service","orphan":false,"mfa_requirement":null,"num_uses":3})"));
  CHECK(client.port.recorded_with_change.back() == 200);
}

TEST_CASE("fields of auth/token/create") {
  ApiClient client;
  struct Row {
    const char* body;
    const char* part;
  };
  const Row rows[] = {
      {"", R"("lease_duration":0,"renewable":false)"},
      {"{}", R"("policies":["root"])"},
      {R"({"policies":"x","lease":"30s"})", R"("lease_duration":30,)"},
      {R"({"policies":null,"ttl":null,"renewable":null,"meta":null})", R"("metadata":null)"},
      {R"({"policies":["x"],"renewable":false})", R"("renewable":false)"},
      {R"({"policies":["x"],"no_default_policy":true})", R"("policies":["x"])"},
      {R"({"policies":["x"],"no_parent":true})", R"("orphan":true)"},
      {R"({"policies":["x"],"period":"24h"})", R"("lease_duration":86400)"},
      {R"({"policies":["x"],"id":"my-own-id"})", R"("client_token":"my-own-id")"},
      {R"({"policies":["x"],"ttl":"9999h"})",
       R"("warnings":["TTL of \"9999h0m0s\" exceeded the effective max_ttl of \"768h0m0s\")"},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    const auto got = client.send("POST", "auth/token/create", row.body);
    CHECK(got.status == 200);
    INFO(got.body);
    CHECK(contains(got.body, row.part));
  }
}

TEST_CASE("what auth/token/create refuses") {
  ApiClient client;
  client.port.limited_paths = {"auth/token/"};
  struct Row {
    std::string_view token;
    const char* body;
    const char* text;
  };
  const Row rows[] = {
      {kLimitedToken, R"({"policies":["other"]})", "child policies must be subset of parent"},
      {kLimitedToken, R"({"no_parent":true})",
       "root or sudo privileges required to create orphan token"},
      {kLimitedToken, R"({"id":"x"})", "root or sudo privileges required to specify token id"},
      {kRootToken, R"({"id":"s.x"})", "custom token ID cannot have the 's.' prefix"},
      {kRootToken, R"({"id":"a.b"})", "custom token ID cannot contain a '.' character"},
      {kRootToken, R"({"num_uses":-1})", "number of uses cannot be negative"},
      {kRootToken, R"({"entity_alias":"e"})",
       "'entity_alias' is only allowed in combination with token role"},
      {kRootToken, R"({"ttl":"x"})", nullptr},
      {kRootToken, R"({"meta":"x"})", nullptr},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    const auto got = client.send_as(row.token, "POST", "auth/token/create", row.body);
    CHECK(got.status == 400);
    if (row.text != nullptr)
      CHECK(got.body == error_body(row.text));
    else
      CHECK(contains(got.body, "Field validation failed: "));
  }
  CHECK(client.send("POST", "auth/token/create/dev").body == error_body("unknown role dev"));
}

TEST_CASE("create-orphan needs no sudo and makes an orphan") {
  ApiClient client;
  client.port.limited_paths = {"auth/token/"};
  const auto got = client.send_as(kLimitedToken, "POST", "auth/token/create-orphan");
  CHECK(got.status == 200);
  CHECK(contains(got.body, R"("orphan":true)"));
}

TEST_CASE("looking up tokens") {
  ApiClient client;
  const std::string root =
      R"({"accessor":"accessor-1","creation_time":1764000000,"creation_ttl":0,)"
      R"("display_name":"root","entity_id":"","expire_time":null,"explicit_max_ttl":0,)"
      R"("id":"root-token","meta":null,"num_uses":0,"orphan":true,"path":"auth/token/root",)"
      R"("policies":["root"],"ttl":0,"type":"service"})";
  for (const char* method : {"GET", "POST"})
    CHECK(client.send(method, "auth/token/lookup-self").body == envelope(root));
  CHECK(client.send("POST", "auth/token/lookup").body == envelope(root));
  CHECK(client.send("POST", "auth/token/lookup", R"({"token":"root-token"})").body ==
        envelope(root));
  const auto token = create(client, R"({"policies":"p","ttl":"1h","period":"2h"})");
  const auto found = client.send("POST", "auth/token/lookup", R"({"token":")" + token + "\"}").body;
  CHECK(contains(found, R"("expire_time":"2025-11-24T18:00:00.123456789Z","issue_time":)" +
                            std::string(kTime) + R"(,"renewable":true)"));
  CHECK(contains(found, R"("period":7200)"));
  CHECK(contains(found, R"("ttl":7200)"));
  CHECK(contains(
      client.send("POST", "auth/token/lookup-accessor", R"({"accessor":"accessor-1"})").body,
      R"("id":"")"));
  CHECK(contains(client.send("GET", "team/auth/token/lookup-self").body,
                 R"("namespace_path":"team/")"));
}

TEST_CASE("looking up what is unknown") {
  ApiClient client;
  struct Row {
    const char* target;
    const char* body;
    int status;
    const char* text;
  };
  const Row rows[] = {
      {"lookup", R"({"token":"x"})", 403, "bad token"},
      {"lookup-accessor", R"({"accessor":"x"})", 400,
       "1 error occurred:\n\t* invalid accessor\n\n"},
      {"lookup-accessor", "{}", 400, "1 error occurred:\n\t* missing accessor\n\n"},
  };
  for (const auto& row : rows) {
    const auto got = client.send("POST", "auth/token/" + std::string(row.target), row.body);
    CHECK(got.status == row.status);
    CHECK(got.body == error_body(row.text));
  }
  CHECK(client.send_as("x", "GET", "auth/token/lookup-self").body == kDenied);
}

TEST_CASE("renewing") {
  ApiClient client;
  client.port.limited_paths = {"auth/token/"};
  const auto token = create(client, R"({"policies":"p","ttl":"1h"})");
  auto got =
      client.send("POST", "auth/token/renew", R"({"token":")" + token + R"(","increment":"2h"})");
  CHECK(got.status == 200);
  CHECK(contains(got.body, R"("auth":{"client_token":")" + token + "\""));
  CHECK(contains(got.body, R"("lease_duration":7200)"));
  got = client.send_as(token, "PUT", "auth/token/renew-self", R"({"increment":60})");
  CHECK(contains(got.body, R"("client_token":")" + token + "\""));
  CHECK(contains(got.body, R"("lease_duration":60)"));
  CHECK(client.send_as(token, "PUT", "auth/token/renew-self").status == 200);
  got = client.send("POST", "auth/token/renew-accessor", R"({"accessor":"accessor-3"})");
  CHECK(contains(got.body, R"("client_token":"")"));
  struct Row {
    const char* target;
    const char* body;
    const char* text;
  };
  const Row rows[] = {
      {"renew-self", "{}", "lease is not renewable"},
      {"renew", R"({"token":"x"})", "token not found"},
      {"renew", "{}", "missing token ID"},
      {"renew-accessor", R"({"accessor":"x"})", "1 error occurred:\n\t* invalid accessor\n\n"},
  };
  for (const auto& row : rows) {
    got = client.send("POST", "auth/token/" + std::string(row.target), row.body);
    CHECK(got.status == 400);
    CHECK(got.body == error_body(row.text));
  }
}

TEST_CASE("revoking") {
  ApiClient client;
  client.port.limited_paths = {"auth/token/"};
  const auto make = [&] { return create(client, R"({"policies":"p","ttl":"1h"})"); };
  auto token = make();
  CHECK(client.send_as(token, "POST", "auth/token/revoke-self").status == 204);
  CHECK(client.send_as(token, "POST", "auth/token/revoke-self").status == 403);
  token = make();
  CHECK(client.send("PUT", "auth/token/revoke", R"({"token":")" + token + "\"}").status == 204);
  CHECK(client.send_as(token, "GET", "auth/token/lookup-self").status == 403);
  CHECK(client.send("PUT", "auth/token/revoke", R"({"token":"x"})").status == 204);
  CHECK(client.send("PUT", "auth/token/revoke", "{}").body == error_body("missing token ID"));
  CHECK(client.send("PUT", "auth/token/revoke-orphan", R"({"token":"x"})").body ==
        error_body("token to revoke not found"));
  token = make();
  CHECK(client.send("PUT", "auth/token/revoke-orphan", R"({"token":")" + token + "\"}").status ==
        204);
  CHECK(client.send("PUT", "auth/token/revoke-accessor", R"({"accessor":"accessor-2"})").status ==
        204);
  const auto got = client.send("PUT", "auth/token/revoke-accessor", R"({"accessor":"x"})");
  CHECK(got.status == 200);
  CHECK(got.body == envelope("null", R"(["No token found with this accessor"])"));
  CHECK(client.send("LIST", "auth/token/accessors").body == envelope(R"({"keys":["accessor-1"]})"));
  CHECK(client.send("GET", "auth/token/accessors").status == 405);
}

TEST_CASE("the token of a request reaches the gate and nothing else") {
  ApiClient client;
  client.send_as("", "GET", "secret/data/a", {}, {{"authorization", "Bearer root-token"}});
  CHECK(client.port.heads.back().token.expose_text() == "root-token");
  const auto got = client.send_as("canary-token", "GET", "secret/data/a");
  CHECK_FALSE(contains(got.body, "canary"));
}

}  // namespace
}  // namespace coffer::test
