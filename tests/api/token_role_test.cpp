// auth/token/roles and tokens created under them.
#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

TEST_CASE("token roles are written, read, listed and removed") {
  ApiClient client;
  CHECK(client.send("LIST", "auth/token/roles").body == kNoErrors);
  CHECK(client.send("GET", "auth/token/roles/ci").body == kNoErrors);
  CHECK(client.send("POST", "auth/token/roles/ci").status == 204);
  CHECK(client
            .send("POST", "auth/token/roles/dev",
                  R"({"allowed_policies":" B ,a","disallowed_policies":["c"],)"
                  R"("allowed_policies_glob":"t-*","disallowed_policies_glob":[],"orphan":true,)"
                  R"("renewable":false,"path_suffix":"v1","token_period":"30m",)"
                  R"("explicit_max_ttl":7200,"token_num_uses":"3",)"
                  R"("token_no_default_policy":1,"token_type":"default-service"})")
            .status == 204);
  for (const char* target : {"auth/token/roles", "auth/token/roles/"})
    CHECK(client.send("LIST", target).body == envelope(R"({"keys":["ci","dev"]})"));
  CHECK(client.send("GET", "auth/token/roles/dev").body ==
        envelope(R"({"allowed_entity_aliases":[],"allowed_policies":["a","b"],)"
                 R"("allowed_policies_glob":["t-*"],"disallowed_policies":["c"],)"
                 R"("disallowed_policies_glob":[],"explicit_max_ttl":7200,"name":"dev",)"
                 R"("orphan":true,"path_suffix":"v1","period":1800,"renewable":false,)"
                 R"("token_bound_cidrs":[],"token_explicit_max_ttl":7200,)"
                 R"("token_no_default_policy":true,"token_num_uses":3,"token_period":1800,)"
                 R"("token_type":"default-service"})"));
  // What is not given, or null, stays.
  client.must("POST", "auth/token/roles/dev", R"({"orphan":false,"renewable":null,"period":"1h"})");
  const auto changed = client.send("GET", "auth/token/roles/dev").body;
  CHECK(contains(changed, R"("orphan":false)"));
  CHECK(contains(changed, R"("renewable":false)"));
  CHECK(contains(changed, R"("token_period":3600)"));
  CHECK(client.send("DELETE", "auth/token/roles/dev").status == 204);
  CHECK(client.send("DELETE", "auth/token/roles/dev").status == 204);
  CHECK(client.send("LIST", "auth/token/roles").body == envelope(R"({"keys":["ci"]})"));
}

TEST_CASE("limits that would not be kept are refused") {
  ApiClient client;
  struct Row {
    const char* body;
    const char* text;  // null: taken
  };
  const Row rows[] = {
      {R"({"token_bound_cidrs":["10.0.0.0/8"]})",
       "'token_bound_cidrs' is not supported by this server"},
      {R"({"bound_cidrs":"10.0.0.0/8"})", "'bound_cidrs' is not supported by this server"},
      {R"({"token_ttl":"1h"})", "'token_ttl' is not supported by this server"},
      {R"({"token_max_ttl":60})", "'token_max_ttl' is not supported by this server"},
      {R"({"token_policies":["a"]})", "'token_policies' is not supported by this server"},
      {R"({"token_strictly_bind_ip":true})",
       "'token_strictly_bind_ip' is not supported by this server"},
      {R"({"token_type":"batch"})", "batch tokens are not supported by this server"},
      {R"({"token_type":"default-batch"})", "batch tokens are not supported by this server"},
      {R"({"token_type":"x"})", "invalid 'token_type' value \"x\""},
      {R"({"token_num_uses":-1})", "'token_num_uses' cannot be negative"},
      {R"({"path_suffix":"a b"})", "given role path suffix contains invalid characters"},
      {R"({"token_bound_cidrs":[],"allowed_entity_aliases":"","token_ttl":0,)"
       R"("token_strictly_bind_ip":false,"token_max_ttl":null,"token_type":"service"})",
       nullptr},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    const auto got = client.send("POST", "auth/token/roles/ci", row.body);
    CHECK(got.status == (row.text == nullptr ? 204 : 400));
    if (row.text != nullptr) CHECK(got.body == error_body(row.text));
  }
}

TEST_CASE("a token created under a role") {
  ApiClient client;
  client.must("POST", "auth/token/roles/ci",
              R"({"allowed_policies":["testpolicy"],"path_suffix":"v1","orphan":true})");
  const auto got = client.send("POST", "auth/token/create/ci", R"({"ttl":"1h"})");
  CHECK(got.status == 200);
  CHECK(contains(got.body, R"("policies":["default","testpolicy"])"));
  CHECK(contains(got.body, R"("orphan":true)"));
  const auto at = got.body.find(R"("client_token":")") + 16;
  const auto token = got.body.substr(at, got.body.find('"', at) - at);
  const auto found =
      client.send("POST", "auth/token/lookup", R"({"token":")" + token + R"("})").body;
  CHECK(contains(found, R"("path":"auth/token/create/ci/v1")"));
  CHECK(contains(found, R"("role":"ci")"));
  CHECK(client.send("POST", "auth/token/create/ci", R"({"policies":["other"]})").body ==
        error_body("token policies ([\"default\" \"other\"]) must be subset of the role's allowed "
                   "policies ([\"default\" \"testpolicy\"]) or glob policies ([])"));
  CHECK(client.send("POST", "auth/token/create/dev").body == error_body("unknown role dev"));
}

}  // namespace
}  // namespace coffer::test
