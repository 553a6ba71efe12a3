#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

// {"created_time":...,"custom_metadata":null,"deletion_time":D,"destroyed":X,"version":N}
std::string version_json(int number, std::string_view deletion = "\"\"", bool destroyed = false) {
  return R"({"created_time":)" + std::string(kTime) + R"(,"custom_metadata":null,)" +
         R"("deletion_time":)" + std::string(deletion) + R"(,"destroyed":)" +
         (destroyed ? "true" : "false") + R"(,"version":)" + std::to_string(number) + "}";
}

std::string read_json(std::string_view value, const std::string& version) {
  return R"({"data":)" + std::string(value) + R"(,"metadata":)" + version + "}";
}

TEST_CASE("a value comes back as it was written, numbers with every digit") {
  ApiClient client;
  const std::string value =
      R"({"big":123456789012345678901234567890,"one":1.0,"e":1E5,"nested":{"a":[1,null,"x"]}})";
  const auto written = client.send("POST", "secret/data/app", R"({"data":)" + value + "}");
  CHECK(written.status == 200);
  CHECK(written.content_type == "application/json");
  CHECK(written.body == envelope(version_json(1)));
  const auto read = client.send("GET", "secret/data/app");
  CHECK(read.status == 200);
  CHECK(read.content_type == "application/json");
  CHECK(read.body == envelope(read_json(value, version_json(1))));
}

TEST_CASE("PUT is POST, paths may hold folders and escapes, no content type is needed") {
  ApiClient client;
  CHECK(client.send("PUT", "secret/data/a/b%20c/d", R"({"data":{"k":"v"}})").status == 200);
  CHECK(contains(client.send("GET", "secret/data/a/b%20c/d").body, R"({"k":"v"})"));
}

TEST_CASE("versions") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{"v":1}})");
  client.must("POST", "secret/data/a", R"({"data":{"v":2}})");
  struct Row {
    const char* query;
    int status;
    const char* part;
  };
  const Row rows[] = {
      {"?version=1", 200, R"("data":{"v":1})"},
      {"?version=2", 200, R"("data":{"v":2})"},
      {"?version=0", 200, R"("data":{"v":2})"},
      {"?version=-1", 200, R"("data":{"v":2})"},
      {"?version=", 200, R"("data":{"v":2})"},
      {"?version=3", 404, R"({"errors":[]})"},
      {"?version=1.0", 400, "Field validation failed: "},
      {"?version=x", 400, "Field validation failed: "},
      {"?version=1&version=2", 400, "Field validation failed: "},
  };
  for (const auto& row : rows) {
    INFO(row.query);
    const auto got = client.send("GET", "secret/data/a" + std::string(row.query));
    CHECK(got.status == row.status);
    CHECK(contains(got.body, row.part));
  }
}

TEST_CASE("reading what is not there") {
  ApiClient client;
  for (const char* target : {"secret/data/none", "secret/data/", "secret/data/none/"}) {
    const auto got = client.send("GET", target);
    CHECK(got.status == 404);
    CHECK(got.body == kNoErrors);
  }
  client.must("POST", "secret/metadata/bare", R"({"max_versions":3})");
  const auto got = client.send("GET", "secret/data/bare");
  CHECK(got.status == 404);
  CHECK(got.body == kNoErrors);
}

TEST_CASE("a deleted or destroyed version is 404 with the full envelope") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{"v":1}})");
  client.must("DELETE", "secret/data/a");
  auto got = client.send("GET", "secret/data/a");
  CHECK(got.status == 404);
  CHECK(got.body == envelope(read_json("null", version_json(1, kTime))));
  client.must("POST", "secret/destroy/a", R"({"versions":[1]})");
  got = client.send("GET", "secret/data/a");
  CHECK(got.status == 404);
  CHECK(got.body == envelope(read_json("null", version_json(1, kTime, true))));
  // Written again, it is there again.
  client.must("POST", "secret/data/a", R"({"data":{"v":2}})");
  CHECK(client.send("GET", "secret/data/a").status == 200);
}

TEST_CASE("what a write refuses") {
  ApiClient client;
  const std::string bad_type =
      "error converting input for field \"data\": '' expected type 'map[string]interface {}', got "
      "unconvertible type 'string'";
  struct Row {
    const char* body;
    std::string text;
  };
  const Row rows[] = {
      {"", "no data provided"},
      {"{}", "no data provided"},
      {R"({"data":null})", "no data provided"},
      {R"({"data":"x"})", bad_type},
      {R"({"data":{},"options":{"cas":1}})",
       "check-and-set parameter did not match the current version"},
      {R"({"data":{},"options":{"cas":-1}})",
       "check-and-set parameter did not match the current version"},
      {R"({"data":{},"options":{"cas":1.5}})", "error parsing check-and-set parameter"},
      {R"({"data":{},"options":{"cas":"x"}})", "error parsing check-and-set parameter"},
      {R"({"data":{},"options":{"cas":99999999999999999999}})",
       "error parsing check-and-set parameter"},
  };
  for (const auto& row : rows) {
    INFO(row.body);
    const auto got = client.send("POST", "secret/data/a", row.body);
    CHECK(got.status == 400);
    CHECK(got.body == error_body(row.text));
  }
  CHECK(client.send("POST", "secret/data/a/", R"({"data":{}})").body ==
        error_body("cannot write to a path ending in '/'"));
}

TEST_CASE("check-and-set values that count as numbers") {
  for (const char* cas : {"0", "\"0\"", "null", "\"\"", "false"}) {
    ApiClient client;
    INFO(cas);
    const auto body = R"({"data":{},"options":{"cas":)" + std::string(cas) + "}}";
    CHECK(client.send("POST", "secret/data/a", body).status == 200);
    CHECK(client.send("POST", "secret/data/a", body).status == 400);
  }
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{},"options":{}})");
  client.must("POST", "secret/data/a", R"({"data":{},"options":null})");
  client.must("POST", "secret/data/a", R"({"data":[],"options":[]})");
  client.must("POST", "secret/data/a", R"({"data":{},"options":{"cas":3}})");
  CHECK(contains(client.send("GET", "secret/data/a").body, R"("version":4)"));
}

TEST_CASE("a mount can require check-and-set") {
  ApiClient client;
  client.must("POST", "secret/config", R"({"cas_required":true})");
  const auto got = client.send("POST", "secret/data/a", R"({"data":{}})");
  CHECK(got.status == 400);
  CHECK(got.body == error_body("check-and-set parameter required for this call"));
}

TEST_CASE("PATCH merges into the current version") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{"keep":1.0,"drop":1,"deep":{"a":1,"b":2}}})");
  const auto got = client.send("PATCH", "secret/data/a",
                               R"({"data":{"drop":null,"deep":{"b":null,"c":3},"new":[1]}})");
  CHECK(got.status == 200);
  CHECK(got.body == envelope(version_json(2)));
  CHECK(contains(client.send("GET", "secret/data/a").body,
                 R"("data":{"keep":1.0,"deep":{"a":1,"c":3},"new":[1]})"));
  // Nothing changed is still a new version.
  CHECK(contains(client.send("PATCH", "secret/data/a", R"({"data":{}})").body, R"("version":3)"));
}

TEST_CASE("what a PATCH refuses") {
  ApiClient client;
  auto got = client.send("PATCH", "secret/data/none", R"({"data":{"a":1}})");
  CHECK(got.status == 404);
  CHECK(got.body == "");
  client.must("POST", "secret/data/a", R"({"data":{"a":1}})");
  CHECK(client.send("PATCH", "secret/data/a", "{}").body == error_body("no data provided"));
  CHECK(client.send("PATCH", "secret/data/a", R"({"data":null})").body ==
        error_body("no data provided"));
  CHECK(client.send("PATCH", "secret/data/a", R"({"data":"x"})").body ==
        error_body("Field validation failed: error converting input for field \"data\": '' "
                   "expected type 'map[string]interface {}', got unconvertible type 'string'"));
  CHECK(client.send("PATCH", "secret/data/a", R"({"data":{},"options":{"cas":7}})").body ==
        error_body("check-and-set parameter did not match the current version"));
  client.must("DELETE", "secret/data/a");
  got = client.send("PATCH", "secret/data/a", R"({"data":{"a":1}})");
  CHECK(got.status == 404);
  CHECK(got.body == envelope(version_json(1, kTime)));
  got = client.send("PATCH", "secret/data/a", R"({"data":{}})",
                    {{"content-type", "application/json"}});
  CHECK(got.status == 415);
}

TEST_CASE("PATCH meets another writer: again, but not for ever") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{"a":1}})");
  client.port.conflicts = 7;
  CHECK(client.send("PATCH", "secret/data/a", R"({"data":{"b":2}})").status == 200);
  client.port.conflicts = 8;
  auto got = client.send("PATCH", "secret/data/a", R"({"data":{"b":3}})");
  CHECK(got.status == 503);
  CHECK(got.header("Retry-After") == "1");
  client.port.conflicts = 8;
  got = client.send("PATCH", "secret/data/a", R"({"data":{"b":3},"options":{"cas":2}})");
  CHECK(got.status == 400);
  CHECK(got.body == error_body("check-and-set parameter did not match the current version"));
}

TEST_CASE("deleting is always 204") {
  ApiClient client;
  for (const char* target : {"secret/data/none", "secret/data/", "secret/data/a/"})
    CHECK(client.send("DELETE", target).status == 204);
  client.must("POST", "secret/data/a", R"({"data":{}})");
  CHECK(client.send("DELETE", "secret/data/a").body == "");
  CHECK(client.send("DELETE", "secret/data/a").status == 204);
}

TEST_CASE("delete, undelete, destroy of versions") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{"v":1}})");
  client.must("POST", "secret/data/a", R"({"data":{"v":2}})");
  CHECK(client.send("PUT", "secret/delete/a", R"({"versions":["1","2"]})").status == 204);
  CHECK(client.send("GET", "secret/data/a?version=1").status == 404);
  CHECK(client.send("POST", "secret/undelete/a", R"({"versions":"1,2"})").status == 204);
  CHECK(client.send("GET", "secret/data/a?version=1").status == 200);
  CHECK(client.send("POST", "secret/destroy/a", R"({"versions":1})").status == 204);
  CHECK(client.send("GET", "secret/data/a?version=1").status == 404);
  CHECK(client.send("POST", "secret/undelete/a", R"({"versions":[1,9,-1]})").status == 204);
  CHECK(client.send("POST", "secret/delete/none", R"({"versions":[1]})").status == 204);
  struct Row {
    const char* target;
    const char* text;
  };
  const Row rows[] = {{"secret/delete/a", "No version number provided"},
                      {"secret/undelete/a", "No version number provided"},
                      {"secret/destroy/a", "no version number provided"}};
  for (const auto& row : rows)
    for (const char* body : {"", "{}", R"({"versions":[]})", R"({"versions":null})"}) {
      const auto got = client.send("POST", row.target, body);
      CHECK(got.status == 400);
      CHECK(got.body == error_body(row.text));
    }
  CHECK(client.send("POST", "secret/delete/a", R"({"versions":["x"]})").status == 400);
  CHECK(client.send("GET", "secret/delete/a").status == 405);
}

TEST_CASE("subkeys show the structure and no value") {
  ApiClient client;
  client.must("POST", "secret/data/a", R"({"data":{"a":1,"b":{"c":"x","d":{"e":[1]},"f":{}}}})");
  struct Row {
    const char* query;
    const char* subkeys;
  };
  const Row rows[] = {
      {"", R"({"a":null,"b":{"c":null,"d":{"e":null},"f":null}})"},
      {"?depth=0", R"({"a":null,"b":{"c":null,"d":{"e":null},"f":null}})"},
      {"?depth=1", R"({"a":null,"b":null})"},
      {"?depth=-1", R"({"a":null,"b":null})"},
      {"?depth=2&version=1", R"({"a":null,"b":{"c":null,"d":null,"f":null}})"},
  };
  for (const auto& row : rows) {
    const auto got = client.send("GET", "secret/subkeys/a" + std::string(row.query));
    CHECK(got.status == 200);
    CHECK(got.body ==
          envelope(R"({"metadata":)" + version_json(1) + R"(,"subkeys":)" + row.subkeys + "}"));
  }
  CHECK(client.send("GET", "secret/subkeys/none").body == kNoErrors);
  client.must("DELETE", "secret/data/a");
  const auto got = client.send("GET", "secret/subkeys/a");
  CHECK(got.status == 404);
  CHECK(got.body == envelope(R"({"metadata":)" + version_json(1, kTime) + R"(,"subkeys":null})"));
}

TEST_CASE("paths that KV version 2 does not have carry a warning") {
  ApiClient client;
  struct Row {
    const char* method;
    const char* target;
    const char* part;
  };
  const Row rows[] = {
      {"GET", "secret/foo", "use 'vault kv get' for this operation."},
      {"POST", "secret/foo", "use 'vault kv put' for this operation."},
      {"PATCH", "secret/foo", "use 'vault kv patch' for this operation."},
      {"DELETE", "secret/foo/bar", "use 'vault kv delete' for this operation."},
      {"LIST", "secret/", "use 'vault kv list' for this operation."},
      {"GET", "secret/metadata", "Non-listing operations on the root of a K/V v2 mount"},
      {"GET", "secret/data", "Non-listing operations on the root of a K/V v2 mount"},
      {"POST", "secret/destroy", "Non-listing operations on the root of a K/V v2 mount"},
  };
  for (const auto& row : rows) {
    INFO(row.method, " ", row.target);
    const auto got = client.send(row.method, row.target, "{}");
    CHECK(got.status == 404);
    CHECK(contains(got.body, R"("data":null)"));
    CHECK(contains(got.body, row.part));
  }
}

TEST_CASE("operations that a path does not have") {
  ApiClient client;
  for (const auto& [method, target] :
       {std::pair{"LIST", "secret/data/a"}, std::pair{"SCAN", "secret/metadata/a"},
        std::pair{"DELETE", "secret/config"}, std::pair{"POST", "secret/subkeys/a"},
        std::pair{"GET", "secret/data/a?scan=true"}}) {
    const auto got = client.send(method, target, "{}");
    CHECK(got.status == 405);
    CHECK(got.body == error_body("1 error occurred:\n\t* unsupported operation\n\n"));
  }
}

}  // namespace
}  // namespace coffer::test
