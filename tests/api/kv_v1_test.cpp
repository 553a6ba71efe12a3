// Mounts of KV version 1, their upgrade, and moving mounts.
#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

std::string lease(std::string_view data, std::string_view seconds = "2764800") {
  return R"({"request_id":"ID","lease_id":"","renewable":false,"lease_duration":)" +
         std::string(seconds) + R"(,"data":)" + std::string(data) +
         R"(,"wrap_info":null,"warnings":null,"auth":null})";
}

void enable(ApiClient& client, std::string_view path) {
  client.must("POST", "sys/mounts/" + std::string(path),
              R"({"type":"kv","options":{"version":1}})");
}

TEST_CASE("version 1: the body is the value") {
  ApiClient client;
  enable(client, "old");
  const std::string value = R"({"n":1.10,"big":18446744073709551616,"s":{"b":[1E5,null]}})";
  CHECK(client.send("POST", "old/app/db", value).status == 204);
  auto got = client.send("GET", "old/app/db");
  CHECK(got.status == 200);
  CHECK(got.body == lease(value));
  CHECK(client.send("PUT", "old/app/db", R"({"other":true})").status == 204);
  CHECK(client.send("GET", "old/app/db").body == lease(R"({"other":true})"));
  // Names that mean something in version 2 are secrets like all others.
  for (const char* path : {"old/config", "old/data/x", "old/metadata"}) {
    client.must("POST", path, R"({"a":"b"})");
    CHECK(client.send("GET", path).body == lease(R"({"a":"b"})"));
  }
  CHECK(client.send("LIST", "old/").body ==
        envelope(R"({"keys":["app/","config","data/","metadata"]})"));
  CHECK(client.send("GET", "old/app?list=true").body == envelope(R"({"keys":["db"]})"));
  CHECK(client.send("DELETE", "old/app/db").status == 204);
  CHECK(client.send("DELETE", "old/app/db").status == 204);
  CHECK(client.send("GET", "old/app/db").body == kNoErrors);
  CHECK(client.send("LIST", "old/app").status == 404);
}

TEST_CASE("version 1: what is refused") {
  ApiClient client;
  enable(client, "old");
  struct Row {
    const char* method;
    const char* target;
    const char* body;
    int status;
    std::string answer;
  };
  const Row rows[] = {
      {"POST", "old/a", "", 400, error_body("missing data fields")},
      {"POST", "old/a", "{}", 400, error_body("missing data fields")},
      {"POST", "old/a", "null", 400, error_body("missing data fields")},
      {"POST", "old/a/", R"({"x":1})", 400, error_body("cannot write to a path ending in '/'")},
      {"GET", "old/", "", 404, std::string(kNoErrors)},
      {"GET", "old/a/", "", 404, std::string(kNoErrors)},
      {"DELETE", "old/a/", "", 204, ""},
      {"PATCH", "old/a", R"({"x":1})", 405,
       error_body("1 error occurred:\n\t* unsupported operation\n\n")},
      {"SCAN", "old/a", "", 405, error_body("1 error occurred:\n\t* unsupported operation\n\n")},
  };
  for (const auto& row : rows) {
    INFO(row.method, " ", row.target, " ", row.body);
    const auto got = client.send(row.method, row.target, row.body);
    CHECK(got.status == row.status);
    CHECK(got.body == row.answer);
  }
}

TEST_CASE("version 1: the lease is the mount's own when it has one") {
  ApiClient client;
  client.must("POST", "sys/mounts/old",
              R"({"type":"generic","config":{"default_lease_ttl":"1h"}})");
  CHECK(contains(client.send("GET", "sys/mounts/old").body, R"("type":"generic")"));
  client.must("POST", "old/a", R"({"x":1})");
  CHECK(client.send("GET", "old/a").body == lease(R"({"x":1})", "3600"));
}

TEST_CASE("an upgraded mount keeps its values") {
  ApiClient client;
  enable(client, "old");
  client.must("POST", "old/a", R"({"x":1})");
  client.must("POST", "old/a", R"({"x":2.0})");
  const auto tune = [&](std::string_view version) {
    return client.send("POST", "sys/mounts/old/tune",
                       R"({"options":{"version":")" + std::string(version) + R"("}})");
  };
  CHECK(tune("1").status == 204);
  const auto upgraded = tune("2");
  CHECK(upgraded.status == 200);
  CHECK(contains(upgraded.body, "upgraded from version 1 to version 2"));
  CHECK(client.port.recorded_with_change.back() == 200);
  const auto got = client.send("GET", "old/data/a");
  CHECK(got.status == 200);
  CHECK(contains(got.body, R"("data":{"data":{"x":2.0},"metadata":{)"));
  CHECK(contains(got.body, R"("version":2)"));
  CHECK(client.send("GET", "old/data/a?version=1").status == 404);
  CHECK(contains(client.send("GET", "old/config").body, R"("max_versions":0)"));
  CHECK(client.send("GET", "old/a").status == 404);
  CHECK(tune("2").status == 204);
  CHECK(tune("1").body == error_body("cannot downgrade mount from version 2"));
}

TEST_CASE("moving a mount") {
  ApiClient client;
  const auto moved = client.send("POST", "sys/remount", R"({"from":"secret","to":"new/place"})");
  CHECK(moved.status == 200);
  const auto at = moved.body.find(R"("migration_id":")");
  REQUIRE(at != std::string::npos);
  const auto id = moved.body.substr(at + 16, 36);
  // Also at the top level, as of all old endpoints.
  CHECK(contains(moved.body, R"("auth":null,"migration_id":")" + id));
  client.must("POST", "new/place/data/a", R"({"data":{"x":1}})");
  CHECK(client.send("GET", "secret/data/a").status == 404);
  CHECK(client.send("GET", "sys/mounts/secret").status == 400);
  CHECK(client.send("GET", "sys/remount/status/" + id).body ==
        envelope(R"({"migration_id":")" + id +
                 R"(","migration_info":{"source_mount":"secret/","status":"success",)"
                 R"("target_mount":"new/place/"}})"));
  CHECK(client.send("GET", "sys/remount/status/unknown").body == kNoErrors);
  struct Row {
    const char* body;
    const char* text;
  };
  const Row rows[] = {
      {R"({"from":"nope","to":"x"})", "no matching mount at \"nope/\""},
      {R"({"from":"new/place","to":"new"})", "path in use at \"new/place/\""},
      {R"({"from":"sys","to":"x"})", "cannot remount \"sys/\""},
      {R"({"from":"new/place","to":"auth/x"})", "cannot remount to \"auth/\""},
      {R"({"from":"new/place"})", "both 'from' and 'to' path must be specified as a string"},
      {R"({"to":"x"})", "both 'from' and 'to' path must be specified as a string"},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    const auto got = client.send("POST", "sys/remount", row.body);
    CHECK(got.status == 400);
    CHECK(got.body == error_body(row.text));
  }
}

}  // namespace
}  // namespace coffer::test
