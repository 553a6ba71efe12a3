#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

TEST_CASE("sys/health has a status for every state, which the caller may replace") {
  struct Row {
    bool initialized;
    bool sealed;
    const char* query;
    int status;
  };
  const Row rows[] = {
      {true, false, "", 200},
      {true, true, "", 503},
      {false, true, "", 501},
      {true, false, "?activecode=210", 210},
      {true, true, "?sealedcode=299&uninitcode=299", 299},
      {false, true, "?uninitcode=299", 299},
      {true, false, "?standbyok=true&haunhealthty=1&unknown=x", 200},
      {true, false, "?activecode=", 200},
      {true, false, "?activecode=x", 400},
      {true, false, "?standbycode=x", 400},
      {true, false, "?activecode=99", 400},
      {true, false, "?activecode=1000", 400},
  };
  for (const auto& row : rows) {
    INFO(row.query);
    ApiClient client;
    client.port.service.initialized = row.initialized;
    client.port.service.sealed = row.sealed;
    const auto target = "sys/health" + std::string(row.query);
    const auto got = client.send_as("", "GET", target);
    CHECK(got.status == row.status);
    CHECK(client.send_as("", "HEAD", target).status == row.status);
    if (row.status == 400) CHECK(got.body == kNoErrors);
  }
}

TEST_CASE("the body of sys/health") {
  ApiClient client;
  const std::string common =
      R"("standby":false,"performance_standby":false,"replication_performance_mode":"disabled",)"
      R"("replication_dr_mode":"disabled","server_time_utc":1764000000,"version":"1.18.0",)"
      R"("enterprise":false)";
  CHECK(client.send_as("", "GET", "sys/health").body ==
        R"({"initialized":true,"sealed":false,)" + common +
            R"(,"cluster_name":"coffer","cluster_id":"11111111-2222-3333-4444-555555555555"})");
  client.port.service.sealed = true;
  CHECK(client.send_as("", "GET", "sys/health").body ==
        R"({"initialized":true,"sealed":true,)" + common + "}");
}

TEST_CASE("sys/seal-status answers in every state and without a token") {
  ApiClient client;
  client.port.service.sealed = true;
  client.port.service.progress = 2;
  client.port.service.nonce = "n";
  CHECK(client.send_as("", "GET", "sys/seal-status").body ==
        R"({"type":"shamir","initialized":true,"sealed":true,"t":3,"n":5,"progress":2,)"
        R"("nonce":"n","version":"1.18.0","build_date":"2026-01-01T00:00:00Z",)"
        R"("migration":false,"recovery_seal":false,"storage_type":"coffer"})");
  client.port.service = {};
  CHECK(client.send_as("", "GET", "sys/seal-status").status == 200);
}

TEST_CASE("sys/init") {
  ApiClient client;
  CHECK(client.send_as("", "GET", "sys/init").body == R"({"initialized":true})");
  CHECK(client.send_as("", "PUT", "sys/init", R"({"secret_shares":5,"secret_threshold":3})").body ==
        error_body("Vault is already initialized"));
  client.port.service.initialized = false;
  client.port.service.sealed = true;
  struct Row {
    const char* body;
    const char* text;
  };
  const Row rows[] = {
      {"{}", "invalid seal configuration: shares must be at least one"},
      {R"({"secret_shares":2,"secret_threshold":0})",
       "invalid seal configuration: threshold must be at least one"},
      {R"({"secret_shares":2,"secret_threshold":1})",
       "invalid seal configuration: threshold must be greater than one for multiple shares"},
      {R"({"secret_shares":2,"secret_threshold":3})",
       "invalid seal configuration: threshold cannot be larger than shares"},
      {R"({"secret_shares":1,"secret_threshold":1,"pgp_keys":["a"]})",
       "pgp_keys is not supported by this server"},
  };
  for (const auto& row : rows) {
    const auto got = client.send_as("", "PUT", "sys/init", row.body);
    CHECK(got.status == 400);
    CHECK(got.body == error_body(row.text));
  }
  const auto got = client.send_as("", "POST", "sys/init",
                                  R"({"secret_shares":"2","secret_threshold":2,"pgp_keys":null})");
  CHECK(got.status == 200);
  CHECK(got.body ==
        R"({"keys":["0102","feff"],"keys_base64":["AQI=","/v8="],"root_token":"s.made"})");
}

TEST_CASE("sys/init with the automatic seal has no shares to ask for or to give") {
  ApiClient client;
  client.port.service = {};
  CHECK(
      client.send_as("", "PUT", "sys/init", R"({"secret_shares":5,"secret_threshold":3})").status ==
      400);
  const auto got =
      client.send_as("", "PUT", "sys/init", R"({"recovery_shares":5,"recovery_threshold":3})");
  CHECK(got.body == R"({"keys":[],"keys_base64":[],"recovery_keys":[],"recovery_keys_base64":[],)"
                    R"("root_token":"s.made"})");
}

TEST_CASE("sys/unseal takes hex and base64, counts, and starts again") {
  ApiClient client;
  client.port.service.sealed = true;
  const auto unseal = [&](const char* body) {
    return client.send_as("", "PUT", "sys/unseal", body);
  };
  CHECK(contains(unseal(R"({"key":"0102"})").body, R"("progress":1)"));
  CHECK(contains(unseal(R"({"reset":true})").body, R"("progress":0)"));
  unseal(R"({"key":"0102"})");
  unseal(R"({"key":"AQI="})");
  const auto last = unseal(R"({"key":"FEFF"})");
  CHECK(last.status == 200);
  CHECK(contains(last.body, R"("sealed":false)"));
  CHECK(unseal("{}").body ==
        error_body("'key' must be specified in request body as JSON, or 'reset' set to true"));
  CHECK(unseal(R"({"key":"?"})").body == error_body("'key' must be a valid hex or base64 string"));
  CHECK(unseal(R"({"key":"010203"})").body == error_body("invalid key"));
  client.port.service.initialized = false;
  CHECK(unseal(R"({"key":"0102"})").body == error_body("Vault is not initialized"));
}

TEST_CASE("sys/seal, sys/leader, and methods that raw endpoints do not have") {
  ApiClient client;
  CHECK(client.send("GET", "sys/leader").body ==
        R"({"ha_enabled":false,"is_self":false,"active_time":"0001-01-01T00:00:00Z",)"
        R"("leader_address":"","leader_cluster_address":"","performance_standby":false,)"
        R"("performance_standby_last_remote_wal":0})");
  for (const auto& [method, target] :
       {std::pair{"DELETE", "sys/health"}, std::pair{"POST", "sys/seal-status"},
        std::pair{"GET", "sys/unseal"}, std::pair{"HEAD", "sys/leader"}}) {
    const auto got = client.send(method, target);
    CHECK(got.status == 405);
    CHECK(got.body == kNoErrors);
  }
  CHECK(client.send_as("", "PUT", "sys/seal").status == 403);
  CHECK(client.send("PUT", "sys/seal").status == 204);
  CHECK(client.port.service.sealed);
}

TEST_CASE("the operator's view") {
  ApiClient client;
  CHECK(client.send("GET", "sys/actors").body ==
        envelope(R"({"actors":[{"busy_ns":0,"id":1,"kind":"system","last_error":"","mailbox":0,)"
                 R"("name":"","parent":0,"processed":0,"state":"running","tenant":""}]})"));
  CHECK(client.send("GET", "sys/actors", {}, {{"x-vault-namespace", "team"}}).status == 400);
  const auto events = [&](const char* query) {
    return client.send("GET", "sys/events" + std::string(query)).body;
  };
  // The FakePort shows the limit as epoch.
  CHECK(events("?from=7&limit=5&stream=ab") ==
        envelope(R"({"events":[{"epoch":5,"events":[{"json":{"name":"x"},)"
                 R"("name":"tenant.created"}],"hash":"aa","previous_hash":"bb","sequence":7,)"
                 R"("stream":"ab","time":)" +
                 std::string(kTime) + "}]}"));
  CHECK(contains(events(""), R"("epoch":100,)"));
  CHECK(contains(events("?limit=999999"), R"("epoch":1000,)"));
  CHECK(client.send("GET", "sys/events?from=-1").status == 400);
  CHECK(client.send("GET", "sys/events/verify").body ==
        envelope(R"({"head_hash":"abcd","problem":null,"records":17})"));
}

}  // namespace
}  // namespace coffer::test
