// Response wrapping: which answers are stored instead of sent, and fetching them once.
#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

constexpr std::string_view kNotValid = "wrapping token is not valid or does not exist";
constexpr std::string_view kNoToken = "error validating wrapping token: token is empty";

Headers wrap_for(std::string ttl) {
  return {{"x-vault-wrap-ttl", std::move(ttl)}};
}

std::string member(const std::string& body, std::string_view name) {
  const auto key = "\"" + std::string(name) + "\":\"";
  const auto at = body.find(key);
  REQUIRE(at != std::string::npos);
  const auto from = at + key.size();
  return body.substr(from, body.find('"', from) - from);
}
std::string naming(std::string_view token) {
  return R"({"token":")" + std::string(token) + R"("})";
}

TEST_CASE("a wrapped answer is fetched once, as it would have been sent") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{"n":1.10}})");
  const auto bare = client.send("GET", "secret/data/a").body;
  const auto wrapped = client.send("GET", "secret/data/a", {}, wrap_for("60"));
  CHECK(wrapped.status == 200);
  const auto token = member(wrapped.body, "token");
  CHECK(wrapped.body ==
        R"({"request_id":"","lease_id":"","renewable":false,"lease_duration":0,"data":null,)"
        R"("wrap_info":{"token":")" +
            token + R"(","accessor":")" + member(wrapped.body, "accessor") +
            R"(","ttl":60,"creation_time":)" + std::string(kTime) +
            R"(,"creation_path":"secret/data/a"},"warnings":null,"auth":null})");
  const auto lookup = client.send_as("", "POST", "sys/wrapping/lookup", naming(token));
  CHECK(lookup.body == envelope(R"({"creation_path":"secret/data/a","creation_time":)" +
                                std::string(kTime) + R"(,"creation_ttl":60})"));
  CHECK(client.send("POST", "sys/wrapping/unwrap", naming(token)).body == bare);
  for (const char* path : {"sys/wrapping/unwrap", "sys/wrapping/lookup", "sys/wrapping/rewrap"}) {
    const auto again = client.send("POST", path, naming(token));
    CHECK(again.status == 400);
    CHECK(again.body == error_body(kNotValid));
  }
}

TEST_CASE("with the wrapping token as the caller's own") {
  ApiClient client;
  const auto wrap = [&] {
    return member(client.send("POST", "sys/wrapping/wrap", R"({"x":1E5})", wrap_for("5m")).body,
                  "token");
  };
  const auto token = wrap();
  CHECK(client.send_as(token, "POST", "sys/wrapping/unwrap").body == envelope(R"({"x":1E5})"));
  const auto late = client.send_as(token, "POST", "sys/wrapping/unwrap");
  CHECK(late.status == 400);
  CHECK(late.body == error_body(kNotValid));
  // Named twice; and whatever else is tried with it uses it up.
  const auto twice = wrap();
  CHECK(client.send_as(twice, "POST", "sys/wrapping/unwrap", naming(twice)).status == 200);
  const auto spent = wrap();
  CHECK(client.send_as(spent, "GET", "secret/data/a").status == 403);
  CHECK(client.send("POST", "sys/wrapping/unwrap", naming(spent)).body == error_body(kNotValid));
}

TEST_CASE("what is wrapped and what is not") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{"x":1}})");
  client.must("POST", "secret/data/gone", R"({"data":{"x":1}})");
  client.must("DELETE", "secret/data/gone");
  struct Row {
    const char* method;
    const char* target;
    const char* body;
    int status;         // with wrapping
    int unwrapped = 0;  // 0: it is not wrapped
  };
  const Row rows[] = {
      {"GET", "secret/data/a", "", 200, 200},
      {"GET", "sys/mounts", "", 200, 200},
      {"POST", "auth/token/create", R"({"period":"30m"})", 200, 200},
      {"GET", "secret/data/gone", "", 200, 404},
      {"GET", "secret/wrong", "", 200, 404},
      {"GET", "secret/data/none", "", 404},
      {"DELETE", "secret/data/a", "", 204},
      {"POST", "secret/data/a", "{}", 400},
      {"GET", "sys/health", "", 200},
      {"GET", "sys/seal-status", "", 200},
  };
  for (const auto& row : rows) {
    INFO(row.method, " ", row.target);
    const auto got = client.send(row.method, row.target, row.body, wrap_for("60"));
    CHECK(got.status == row.status);
    const bool wrapped = contains(got.body, R"("wrap_info":{)");
    CHECK(wrapped == (row.unwrapped != 0));
    if (!wrapped) continue;
    CHECK(contains(got.body, R"("data":null)"));
    CHECK(contains(got.body, R"("auth":null)"));
    const auto back = client.send("POST", "sys/wrapping/unwrap", naming(member(got.body, "token")));
    CHECK(back.status == row.unwrapped);
    CHECK(contains(back.body, R"("wrap_info":null)"));
  }
}

TEST_CASE("a wrapped token is named by its accessor") {
  ApiClient client;
  const auto got =
      client.send("POST", "auth/token/create", R"({"period":"30m"})", wrap_for("15m")).body;
  CHECK(contains(got, R"("ttl":900)"));
  const auto accessor = member(got, "wrapped_accessor");
  const auto back = client.send("POST", "sys/wrapping/unwrap", naming(member(got, "token"))).body;
  CHECK(contains(back, R"("accessor":")" + accessor + "\""));
  CHECK(contains(back, R"("lease_duration":1800)"));
}

TEST_CASE("an answer is wrapped anew") {
  ApiClient client;
  const auto first =
      member(client.send("POST", "sys/wrapping/wrap", R"({"x":1})", wrap_for("90")).body, "token");
  const auto got = client.send("POST", "sys/wrapping/rewrap", naming(first));
  CHECK(got.status == 200);
  CHECK(contains(got.body, R"("ttl":90)"));
  CHECK(contains(got.body, R"("creation_path":"sys/wrapping/wrap")"));
  const auto second = member(got.body, "token");
  CHECK(second != first);
  CHECK(client.send("POST", "sys/wrapping/unwrap", naming(first)).status == 400);
  CHECK(client.send("POST", "sys/wrapping/unwrap", naming(second)).body == envelope(R"({"x":1})"));
}

TEST_CASE("requests to sys/wrapping that are refused") {
  ApiClient client;
  struct Row {
    std::string_view token;
    const char* path;
    const char* body;
    int status;
    std::string_view text;
  };
  const Row rows[] = {
      {kRootToken, "wrap", R"({"x":1})", 400, "endpoint requires response wrapping to be used"},
      {"", "unwrap", "", 403, kNoToken},
      {"", "rewrap", "", 403, kNoToken},
      {"", "lookup", "", 403, kNoToken},
      {kRootToken, "unwrap", R"({"token":""})", 403, kNoToken},
      {kRootToken, "unwrap", R"({"token":7})", 403, kNoToken},
      {"", "unwrap", R"({"token":"x"})", 403, "permission denied"},
      {kRootToken, "unwrap", "", 400, kNotValid},
      {kRootToken, "unwrap", R"({"token":"limited-token"})", 400, kNotValid},
      {kRootToken, "lookup", "", 400, kNotValid},
      {kRootToken, "lookup", R"({"token":"x"})", 400, kNotValid},
  };
  for (const auto& row : rows) {
    INFO(row.path, " ", row.body);
    const auto got =
        client.send_as(row.token, "POST", "sys/wrapping/" + std::string(row.path), row.body);
    CHECK(got.status == row.status);
    CHECK(got.body == error_body(row.text));
  }
  const auto token =
      member(client.send("POST", "sys/wrapping/wrap", R"({"x":1})", wrap_for("60")).body, "token");
  client.port.time = client.port.time + Seconds{60};
  CHECK(client.send("POST", "sys/wrapping/unwrap", naming(token)).body == error_body(kNotValid));
}

TEST_CASE("an answer that cannot be stored is not sent either") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{"x":"plain"}})");
  client.port.wrap_failure = fail(ErrorCode::overloaded, "busy");
  const auto got = client.send("GET", "secret/data/a", {}, wrap_for("60"));
  CHECK(got.status == 503);
  CHECK_FALSE(contains(got.body, "plain"));
}

}  // namespace
}  // namespace coffer::test
