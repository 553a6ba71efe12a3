// What operators ask of the vault itself: root tokens, key shares, leases, audit, tools.
#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

constexpr std::string_view kPgpText = "pgp_key is not supported by this server";

struct Row {
  const char* method;
  const char* target;
  const char* body;
  int status;
  std::string expected = {};  // "": not looked at
};

void check_rows(ApiClient& client, const std::vector<Row>& rows, std::string_view token) {
  for (const auto& row : rows) {
    CAPTURE(std::string(row.method));
    CAPTURE(std::string(row.target));
    CAPTURE(std::string(row.body));
    const auto got = client.send_as(token, row.method, row.target, row.body);
    CHECK(got.status == row.status);
    if (!row.expected.empty()) CHECK(got.body == row.expected);
  }
}

std::string root_status(std::string_view started, std::string_view nonce, int progress,
                        std::string_view token = "", std::string_view otp = "") {
  return R"({"nonce":")" + std::string(nonce) + R"(","started":)" + std::string(started) +
         R"(,"progress":)" + std::to_string(progress) + R"(,"required":2,"complete":)" +
         (token.empty() ? "false" : "true") + R"(,"encoded_token":")" + std::string(token) +
         R"(","encoded_root_token":")" + std::string(token) + R"(","pgp_fingerprint":"","otp":")" +
         std::string(otp) + R"(","otp_length":28})";
}

TEST_CASE("a root token is made of key shares, without a token") {
  ApiClient client;
  const std::vector<Row> rows = {
      {"GET", "sys/generate-root/attempt", "", 200, root_status("false", "", 0)},
      {"POST", "sys/generate-root/update", R"({"key":"0102","nonce":"x"})", 400,
       error_body("no root generation in progress")},
      {"PUT", "sys/generate-root/attempt", R"({"pgp_key":"abc"})", 400, error_body(kPgpText)},
      {"PUT", "sys/generate-root/attempt", "{}", 200,
       root_status("true", "root-nonce", 0, "", "made-up-otp")},
      {"DELETE", "sys/generate-root/attempt", "", 204},
      {"PUT", "sys/generate-root/attempt", R"({"otp":"0123456789012345678901234567"})", 200,
       root_status("true", "root-nonce", 0)},
      {"PUT", "sys/generate-root/update", "{}", 400,
       error_body("'key' must be specified in request body as JSON")},
      {"PUT", "sys/generate-root/update", R"({"key":"no share","nonce":"root-nonce"})", 400},
      {"PUT", "sys/generate-root/update", R"({"key":"0102","nonce":"root-nonce"})", 200,
       root_status("true", "root-nonce", 1)},
      {"PUT", "sys/generate-root/update", R"({"key":"AQI=","nonce":"root-nonce"})", 200,
       root_status("true", "root-nonce", 2, "aGlkZGVu")},
      {"GET", "sys/generate-root/attempt", "", 200, root_status("false", "", 0)},
  };
  check_rows(client, rows, "");
  // Each of them is in the access log.
  CHECK(client.port.recorded.size() == rows.size());
}

TEST_CASE("key shares are replaced, with or without verification") {
  ApiClient client;
  const std::string started =
      R"({"nonce":"rekey-nonce","started":true,"t":2,"n":3,"progress":0,"required":2,)"
      R"("pgp_fingerprints":null,"backup":false,"verification_required":false})";
  check_rows(
      client,
      {{"GET", "sys/rekey/init", "", 200,
        R"({"nonce":"","started":false,"t":0,"n":0,"progress":0,"required":2,)"
        R"("pgp_fingerprints":null,"backup":false,"verification_required":false})"},
       {"PUT", "sys/rekey/init", R"({"secret_shares":3,"secret_threshold":1})", 400},
       {"PUT", "sys/rekey/init", R"({"secret_shares":3,"secret_threshold":2,"backup":true})", 400},
       {"PUT", "sys/rekey/init", R"({"secret_shares":1,"secret_threshold":1,"pgp_keys":["a"]})",
        400},
       {"PUT", "sys/rekey/init",
        R"({"secret_shares":3,"secret_threshold":2,"pgp_keys":null,"backup":false})", 200, started},
       {"DELETE", "sys/rekey/init", "", 204},
       {"PUT", "sys/rekey/init", R"({"secret_shares":3,"secret_threshold":2})", 200, started},
       {"PUT", "sys/rekey/update", R"({"key":"0102","nonce":"rekey-nonce"})", 200},
       {"PUT", "sys/rekey/update", R"({"key":"0304","nonce":"rekey-nonce"})", 200,
        R"({"nonce":"rekey-nonce","complete":true,"keys":["0102"],"keys_base64":["AQI="],)"
        R"("pgp_fingerprints":null,"backup":false,"verification_required":false})"},
       {"GET", "sys/rekey/verify", "", 200,
        R"({"nonce":"","started":false,"t":0,"n":0,"progress":0})"},
       {"PUT", "sys/rekey/init",
        R"({"secret_shares":3,"secret_threshold":2,"require_verification":true})", 200},
       {"PUT", "sys/rekey/update", R"({"key":"0102","nonce":"rekey-nonce"})", 200},
       {"PUT", "sys/rekey/update", R"({"key":"0304","nonce":"rekey-nonce"})", 200,
        R"({"nonce":"rekey-nonce","complete":true,"keys":["0102"],"keys_base64":["AQI="],)"
        R"("pgp_fingerprints":null,"backup":false,"verification_required":true,)"
        R"("verification_nonce":"verify-0"})"},
       {"GET", "sys/rekey/verify", "", 200,
        R"({"nonce":"verify-0","started":true,"t":2,"n":3,"progress":0})"},
       {"DELETE", "sys/rekey/verify", "", 200,
        R"({"nonce":"verify-1","started":true,"t":2,"n":3,"progress":0})"},
       {"PUT", "sys/rekey/verify", R"({"key":"0102","nonce":"verify-1"})", 200,
        R"({"nonce":"verify-1","started":true,"t":2,"n":3,"progress":1})"},
       {"PUT", "sys/rekey/verify", R"({"key":"0304","nonce":"verify-1"})", 200,
        R"({"nonce":"verify-1","complete":true})"},
       {"GET", "sys/rekey-recovery-key/init", "", 400}},
      "");
  check_rows(client,
             {{"GET", "sys/rekey/backup", "", 400, error_body("no backed-up keys found")},
              {"DELETE", "sys/rekey/backup", "", 204}},
             kRootToken);
  CHECK(client.send_as("", "GET", "sys/rekey/backup").status == 403);
}

TEST_CASE("a sealed vault and a seal without shares take none") {
  ApiClient client;
  struct Case {
    Error error;
    int status;
  };
  for (const auto& [error, status] : {Case{fail(ErrorCode::sealed, ""), 503},
                                      Case{fail(ErrorCode::invalid_argument, "no shares"), 400}}) {
    client.port.ceremonies.failure = error;
    check_rows(client,
               {{"GET", "sys/generate-root/attempt", "", status},
                {"PUT", "sys/generate-root/attempt", "{}", status},
                {"DELETE", "sys/generate-root/attempt", "", status},
                {"PUT", "sys/generate-root/update", R"({"key":"0102"})", status},
                {"GET", "sys/rekey/init", "", status},
                {"PUT", "sys/rekey/init", R"({"secret_shares":1,"secret_threshold":1})", status},
                {"PUT", "sys/rekey/update", R"({"key":"0102"})", status}},
               "");
  }
}

TEST_CASE("there are no leases") {
  ApiClient client;
  const auto invalid = error_body("invalid lease");
  const auto missing = error_body("lease_id must be specified");
  check_rows(client,
             {{"PUT", "sys/leases/lookup", R"({"lease_id":"a/b"})", 400, invalid},
              {"POST", "sys/leases/lookup", "{}", 400, missing},
              {"LIST", "sys/leases/lookup", "", 404, std::string(kNoErrors)},
              {"LIST", "sys/leases/lookup/secret", "", 404, std::string(kNoErrors)},
              {"PUT", "sys/leases/renew", R"({"lease_id":"a","increment":60})", 400,
               error_body("lease not found")},
              {"PUT", "sys/leases/renew", R"({"lease_id":"a","increment":"x"})", 400},
              {"PUT", "sys/leases/renew/a/b", "", 400, error_body("lease not found")},
              {"PUT", "sys/renew", R"({"lease_id":"a"})", 400, error_body("lease not found")},
              {"PUT", "sys/renew/a", "", 400},
              {"PUT", "sys/leases/revoke", R"({"lease_id":"a","sync":true})", 204},
              {"PUT", "sys/leases/revoke", "{}", 400, missing},
              {"PUT", "sys/leases/revoke/a/b", "", 204},
              {"PUT", "sys/revoke", R"({"lease_id":"a"})", 204},
              {"PUT", "sys/revoke/a", "", 204},
              {"PUT", "sys/leases/revoke-prefix/secret", "", 204},
              {"PUT", "sys/leases/revoke-force/secret", "", 204},
              {"PUT", "sys/revoke-prefix/secret", "", 204},
              {"PUT", "sys/leases/revoke-prefix/auth/userpass", "", 400},
              {"GET", "sys/leases/lookup", "", 405}},
             kRootToken);
}

TEST_CASE("the access log is the one audit device") {
  ApiClient client;
  const auto list = client.send("GET", "sys/audit").body;
  CHECK(contains(list, R"("access/":{"type":"access-log")"));
  check_rows(
      client,
      {{"PUT", "sys/audit/file", R"({"type":"file","options":{"path":"/tmp/x"}})", 400},
       {"PUT", "sys/audit/access", R"({"type":"file"})", 400,
        error_body("path is already in use at access/")},
       {"DELETE", "sys/audit/file", "", 204},
       {"DELETE", "sys/audit/access", "", 400, error_body("the access log cannot be disabled")},
       {"POST", "sys/audit-hash/file", R"({"input":"x"})", 400,
        error_body("unknown audit backend: file")},
       {"POST", "sys/audit-hash/access", "{}", 400},
       {"GET", "sys/config/cors", "", 200},
       {"PUT", "sys/config/cors", R"({"allowed_origins":"*"})", 400},
       {"DELETE", "sys/config/cors", "", 204}},
      kRootToken);
  CHECK(contains(client.send("POST", "sys/audit-hash/access", R"({"input":"x"})").body,
                 R"("data":{"hash":"hmac-sha256:t-x","accessor_hash":"hmac-sha256:a-x"})"));
}

TEST_CASE("random bytes and digests") {
  ApiClient client;
  const std::string abc_256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const auto sum = [](std::string_view text) {
    return envelope(R"({"sum":")" + std::string(text) + R"("})");
  };
  check_rows(client,
             {{"POST", "sys/tools/hash", R"({"input":"YWJj"})", 200, sum(abc_256)},
              {"POST", "sys/tools/hash/sha2-256", R"({"input":"YWJj","algorithm":"sha2-512"})", 200,
               sum(abc_256)},
              {"POST", "sys/tools/hash", R"({"input":"YWJj","algorithm":"sha2-224"})", 200,
               sum("23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7")},
              {"POST", "sys/tools/hash/sha2-256", R"({"input":"YWJj","format":"base64"})", 200,
               sum("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=")},
              {"POST", "sys/tools/hash/sha3-256", R"({"input":"YWJj"})", 200,
               sum("3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532")},
              {"POST", "sys/tools/hash", "{}", 400},
              {"POST", "sys/tools/hash", R"({"input":"%"})", 400},
              {"POST", "sys/tools/hash/md5", R"({"input":"YWJj"})", 400,
               error_body("unsupported algorithm md5")},
              {"POST", "sys/tools/hash", R"({"input":"YWJj","format":"octal"})", 400},
              {"POST", "sys/tools/random/0", "", 400},
              {"POST", "sys/tools/random/131073", "", 400},
              {"POST", "sys/tools/random/9999999999", "", 400},
              {"POST", "sys/tools/random/x", "", 400},
              {"POST", "sys/tools/random/seal/8", "", 400},
              {"POST", "sys/tools/random/platform/8", "", 200},
              {"POST", "sys/tools/random", R"({"bytes":"16"})", 200}},
             kRootToken);
  const auto hex = client.send("POST", "sys/tools/random/5", R"({"format":"hex"})").body;
  const auto at = hex.find("random_bytes\":\"");
  REQUIRE(at != std::string::npos);
  CHECK(hex.find('"', at + 15) - (at + 15) == 10);
}

}  // namespace
}  // namespace coffer::test
