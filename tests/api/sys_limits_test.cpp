// Password policies and quotas.
#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

constexpr std::string_view kPolicy =
    R"({"policy":"length = 12\nrule \"charset\" { charset = \"abc\" min-chars = 1 }"})";

TEST_CASE("password policies are kept and used") {
  ApiClient client;
  CHECK(client.send("LIST", "sys/policies/password").body == kNoErrors);
  CHECK(client.send("PUT", "sys/policies/password/p", kPolicy).status == 204);
  CHECK(client.send("LIST", "sys/policies/password").body == envelope(R"({"keys":["p"]})"));
  CHECK(client.send("GET", "sys/policies/password/p").body == envelope(std::string(kPolicy)));
  const auto made = client.send("GET", "sys/policies/password/p/generate").body;
  const auto at = made.find(R"("password":")");
  REQUIRE(at != std::string::npos);
  const auto password = made.substr(at + 12, made.find('"', at + 12) - at - 12);
  CHECK(password.size() == 12);
  CHECK(password.find_first_not_of("abc") == std::string::npos);
  // base64 of the same text.
  CHECK(client
            .send("PUT", "sys/policies/password/q",
                  R"({"policy":"bGVuZ3RoID0gOApydWxlICJjaGFyc2V0IiB7IGNoYXJzZXQgPSAiYWIiIH0="})")
            .status == 204);
  CHECK(contains(client.send("GET", "sys/policies/password/q").body, "length = 8"));
  CHECK(client.send("DELETE", "sys/policies/password/p").status == 204);
  CHECK(client.send("DELETE", "sys/policies/password/p").status == 204);
  CHECK(client.send("GET", "sys/policies/password/p").status == 404);
  CHECK(client.send("GET", "sys/policies/password/p/generate").status == 404);
  for (const char* body : {"{}", R"({"policy":""})", R"({"policy":"length = 12"})",
                           R"({"policy":"length = 2\nrule \"charset\" { charset = \"abc\" }"})"})
    CHECK(client.send("PUT", "sys/policies/password/p", body).status == 400);
  CHECK(client.send("PUT", "sys/policies/password/a b", kPolicy).status == 400);
}

TEST_CASE("rate limits are kept as they were asked for") {
  ApiClient client;
  CHECK(client.send("LIST", "sys/quotas/rate-limit").body == kNoErrors);
  CHECK(client
            .send("POST", "sys/quotas/rate-limit/q",
                  R"({"rate":100,"path":"secret/data/*","interval":"600","block_interval":"60"})")
            .status == 204);
  CHECK(client.send("GET", "sys/quotas/rate-limit/q").body ==
        envelope(R"({"block_interval":60,"group_by":"ip","inheritable":false,"interval":600,)"
                 R"("name":"q","path":"secret/data/*","rate":100,"role":"","secondary_rate":0,)"
                 R"("type":"rate-limit"})"));
  CHECK(client.send("LIST", "sys/quotas/rate-limit").body == envelope(R"({"keys":["q"]})"));
  struct Row {
    const char* body;
    int status;
    const char* part;  // of what is stored then, or of the error
  };
  const Row rows[] = {
      {R"({"rate":"2.5"})", 204, R"("inheritable":true,"interval":1,)"},
      {R"({"rate":2.5,"path":"secret","group_by":"none"})", 204, R"("path":"secret/","rate":2.5)"},
      {R"({"rate":1,"path":"/secret/data/x"})", 204, R"("path":"secret/data/x")"},
      {R"({"rate":1,"path":"sys/mounts"})", 204, R"("path":"sys/mounts")"},
      {R"({"rate":1,"path":"team/","inheritable":true})", 204, R"("path":"team/")"},
      {R"({"rate":1,"path":"team"})", 204, R"("path":"team/")"},
      {R"({"rate":1,"path":"team/secret/data/x"})", 204, R"("path":"team/secret/data/x")"},
      {R"({"path":"secret/"})", 400, "'rate'"},
      {R"({"rate":0})", 400, "'rate'"},
      {R"({"rate":-1})", 400, "'rate'"},
      {R"({"rate":1e300})", 400, "'rate'"},
      {R"({"rate":"x"})", 400, "'rate'"},
      {R"({"rate":true})", 400, "'rate'"},
      {R"({"rate":1,"path":"/not-exist"})", 400, "invalid path"},
      {R"({"rate":1,"path":"sec*/x"})", 400, "'*'"},
      {R"({"rate":1,"interval":"-5s"})", 400, ""},
      {R"({"rate":1,"interval":100000})", 400, "'interval'"},
      {R"({"rate":1,"role":"r"})", 400, "by role"},
      {R"({"rate":1,"type":"lease-count"})", 400, "'type'"},
      {R"({"rate":1,"group_by":"entity_then_ip"})", 400, "grouping mode"},
      {R"({"rate":1,"secondary_rate":5})", 400, "secondary_rate"},
      {R"({"rate":1,"path":"secret/data/*"})", 400, "similar properties"},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string(row.body));
    const auto got = client.send("POST", "sys/quotas/rate-limit/r", row.body);
    CHECK(got.status == row.status);
    const auto stored = client.send("GET", "sys/quotas/rate-limit/r").body;
    CHECK(contains(row.status == 204 ? stored : got.body, row.part));
  }
  CHECK(client.send("DELETE", "sys/quotas/rate-limit/q").status == 204);
  CHECK(client.send("GET", "sys/quotas/rate-limit/q").status == 404);
}

TEST_CASE("what the quotas are asked besides") {
  ApiClient client;
  CHECK(contains(client.send("GET", "sys/quotas/config").body, R"("sys/unseal"])"));
  CHECK(client.send("POST", "sys/quotas/config", R"({"rate_limit_exempt_paths":"sys/health,a/b"})")
            .status == 204);
  CHECK(contains(client.send("GET", "sys/quotas/config").body,
                 R"("rate_limit_exempt_paths":["sys/health","a/b"])"));
  struct Row {
    const char* method;
    const char* target;
    const char* body;
    int status;
  };
  const Row rows[] = {
      {"POST", "sys/quotas/config", R"({"enable_rate_limit_audit_logging":true})", 204},
      {"POST", "sys/quotas/config", R"({"enable_rate_limit_audit_logging":false})", 400},
      {"POST", "sys/quotas/config", R"({"enable_rate_limit_response_headers":true})", 400},
      {"LIST", "sys/quotas/lease-count", "", 404},
      {"GET", "sys/quotas/lease-count/x", "", 404},
      {"POST", "sys/quotas/lease-count/x", R"({"max_leases":5})", 400},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string(row.target));
    CHECK(client.send(row.method, row.target, row.body).status == row.status);
  }
}

TEST_CASE("a request beyond a rate limit is told when to come back") {
  ApiClient client;
  client.port.rate_limited = Seconds{7};
  for (const char* target : {"secret/data/a", "sys/leader"}) {
    const auto got = client.send("GET", target);
    CHECK(got.status == 429);
    CHECK(got.header("Retry-After") == "7");
    CHECK(got.body ==
          error_body("request path \"" + std::string(target) + "\": rate limit quota exceeded"));
  }
  REQUIRE(client.port.recorded.size() == 2);
  CHECK(client.port.recorded.front().status == 429);
}

}  // namespace
}  // namespace coffer::test
