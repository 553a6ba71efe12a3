#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

std::string metadata(ApiClient& client, std::string_view name) {
  const auto got = client.send("GET", "secret/metadata/" + std::string(name));
  REQUIRE(got.status == 200);
  return got.body;
}

TEST_CASE("metadata shows settings and versions") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{}})");
  client.must("POST", "secret/metadata/a",
              R"({"max_versions":5,"cas_required":true,"delete_version_after":"3h25m19s",)"
              R"("custom_metadata":{"owner":"x","n":1.0,"b":true}})");
  const std::string time(kTime);
  CHECK(metadata(client, "a") ==
        envelope(R"({"cas_required":true,"created_time":)" + time +
                 R"(,"current_version":1,"custom_metadata":{"b":"1","n":"1.0","owner":"x"},)"
                 R"("delete_version_after":"3h25m19s","max_versions":5,"oldest_version":0,)"
                 R"("updated_time":)" +
                 time + R"(,"versions":{"1":{"created_time":)" + time +
                 R"(,"deletion_time":"","destroyed":false}}})"));
  CHECK(client.send("GET", "secret/metadata/none").body == kNoErrors);
  CHECK(client.send("GET", "secret/metadata/").status == 404);
}

TEST_CASE("nulls and missing fields of a metadata write") {
  ApiClient client;
  client.must("POST", "secret/metadata/a",
              R"({"max_versions":5,"cas_required":true,"delete_version_after":"1h",)"
              R"("custom_metadata":{"k":"v"}})");
  client.must("PUT", "secret/metadata/a", R"({"unknown":1})");
  CHECK(contains(metadata(client, "a"), R"("custom_metadata":{"k":"v"})"));
  client.must("PUT", "secret/metadata/a",
              R"({"cas_required":null,"custom_metadata":null,"delete_version_after":null,)"
              R"("max_versions":null})");
  const auto body = metadata(client, "a");
  CHECK(contains(body, R"("cas_required":false)"));
  CHECK(contains(body, R"("custom_metadata":null)"));
  CHECK(contains(body, R"("max_versions":0)"));
  CHECK(contains(body, R"("delete_version_after":"1h0m0s")"));
  // No field of its own: nothing is created.
  CHECK(client.send("POST", "secret/metadata/new", "{}").status == 204);
  CHECK(client.send("GET", "secret/metadata/new").status == 404);
}

TEST_CASE("what a metadata write refuses") {
  ApiClient client;
  struct Row {
    const char* body;
    const char* text;
  };
  const Row rows[] = {
      {R"({"delete_version_after":-1})",
       "error converting input for field \"delete_version_after\": cannot provide negative value "
       "'-1'"},
      {R"({"custom_metadata":{"k":""}})", "custom_metadata validation failed"},
      {R"({"custom_metadata":{"k":{}}})", "custom_metadata validation failed"},
      {R"({"custom_metadata":"x"})", "error converting input for field \\\"custom_metadata\\\""},
      {R"({"max_versions":"x"})", "error converting input for field \\\"max_versions\\\""},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    const auto got = client.send("POST", "secret/metadata/a", row.body);
    CHECK(got.status == 400);
    CHECK((contains(got.body, row.text) || got.body == error_body(row.text)));
  }
  CHECK(client.send("POST", "secret/metadata/").body ==
        error_body("cannot write to a path ending in '/'"));
}

TEST_CASE("the mount's wish for check-and-set wins, with a warning") {
  ApiClient client;
  client.must("POST", "secret/config", R"({"cas_required":true})");
  const auto got = client.send("POST", "secret/metadata/a", R"({"cas_required":false})");
  CHECK(got.status == 200);
  CHECK(got.body ==
        envelope("null", R"(["\"cas_required\" set to false, but is mandated by backend config. )"
                         R"(This value will be ignored."])"));
  CHECK(client.port.recorded_with_change.back() == 200);
}

TEST_CASE("PATCH of metadata merges key by key") {
  ApiClient client;
  auto got = client.send("PATCH", "secret/metadata/none", R"({"max_versions":1})");
  CHECK(got.status == 404);
  CHECK(got.body == "");
  client.must("POST", "secret/metadata/a", R"({"custom_metadata":{"a":"1","b":"2"}})");
  client.must("PATCH", "secret/metadata/a", R"({"custom_metadata":{"b":null,"c":"3"}})");
  CHECK(contains(metadata(client, "a"), R"("custom_metadata":{"a":"1","c":"3"})"));
  client.must("PATCH", "secret/metadata/a", R"({"max_versions":7})");
  CHECK(contains(metadata(client, "a"), R"("max_versions":7)"));
  CHECK(contains(metadata(client, "a"), R"("custom_metadata":{"a":"1","c":"3"})"));
  client.must("PATCH", "secret/metadata/a", R"({"custom_metadata":null})");
  CHECK(contains(metadata(client, "a"), R"("custom_metadata":null)"));
  got = client.send("PATCH", "secret/metadata/a", R"({"custom_metadata":{"a":5}})");
  CHECK(got.status == 400);
  CHECK(client.send("PATCH", "secret/metadata/a", "{}").status == 204);
}

TEST_CASE("removing metadata removes everything, also when there is nothing") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{}})");
  client.must("DELETE", "secret/metadata/a");
  CHECK(client.send("GET", "secret/metadata/a").status == 404);
  CHECK(client.send("DELETE", "secret/metadata/a").status == 204);
  CHECK(contains(client.send("POST", "secret/data/a", R"({"data":{}})").body, R"("version":1)"));
}

TEST_CASE("listing, in every form clients use") {
  ApiClient client;
  for (const char* name : {"b/x", "a", "b/y/z", "c"})
    client.must("POST", "secret/data/" + std::string(name), R"({"data":{}})");
  struct Row {
    const char* method;
    const char* target;
    const char* keys;
  };
  const Row rows[] = {
      {"LIST", "secret/metadata", R"(["a","b/","c"])"},
      {"LIST", "secret/metadata/", R"(["a","b/","c"])"},
      {"GET", "secret/metadata?list=true", R"(["a","b/","c"])"},
      {"GET", "secret/metadata/?list=true", R"(["a","b/","c"])"},
      {"LIST", "secret/metadata/b", R"(["x","y/"])"},
      {"LIST", "secret/metadata/b/", R"(["x","y/"])"},
      {"LIST", "secret/metadata?limit=2", R"(["a","b/"])"},
      {"LIST", "secret/metadata?after=a&limit=1", R"(["b/"])"},
      {"LIST", "secret/metadata?exclude_deleted=true", R"(["a","b/","c"])"},
  };
  for (const auto& row : rows) {
    INFO(row.method, " ", row.target);
    const auto got = client.send(row.method, row.target);
    CHECK(got.status == 200);
    CHECK(got.body == envelope(R"({"keys":)" + std::string(row.keys) + "}"));
  }
  for (const char* target : {"secret/metadata/a", "secret/metadata/none"}) {
    const auto got = client.send("LIST", target);
    CHECK(got.status == 404);
    CHECK(got.body == kNoErrors);
  }
}

TEST_CASE("the settings of a mount") {
  ApiClient client;
  const auto config = [&] { return client.send("GET", "secret/config").body; };
  CHECK(config() ==
        envelope(R"({"cas_required":false,"delete_version_after":"0s","max_versions":0})"));
  struct Row {
    const char* body;
    const char* data;
  };
  const Row rows[] = {
      {R"({"max_versions":5,"cas_required":true,"delete_version_after":"30m"})",
       R"({"cas_required":true,"delete_version_after":"30m0s","max_versions":5})"},
      {"{}", R"({"cas_required":true,"delete_version_after":"30m0s","max_versions":5})"},
      {R"({"max_versions":null,"cas_required":null,"delete_version_after":null})",
       R"({"cas_required":false,"delete_version_after":"30m0s","max_versions":0})"},
      {R"({"delete_version_after":"-5h"})",
       R"({"cas_required":false,"delete_version_after":"-1s","max_versions":0})"},
      {R"({"delete_version_after":"1.5h"})",
       R"({"cas_required":false,"delete_version_after":"1h30m0s","max_versions":0})"},
      {R"({"delete_version_after":""})",
       R"({"cas_required":false,"delete_version_after":"0s","max_versions":0})"},
      {R"({"max_versions":-1})",
       R"({"cas_required":false,"delete_version_after":"0s","max_versions":4294967295})"},
      {R"({"max_versions":4294967296})",
       R"({"cas_required":false,"delete_version_after":"0s","max_versions":0})"},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    CHECK(client.send("POST", "secret/config", row.body).status == 204);
    CHECK(config() == envelope(row.data));
  }
  CHECK(client.send("POST", "secret/config", R"({"max_versions":"x"})").status == 400);
}

}  // namespace
}  // namespace coffer::test
