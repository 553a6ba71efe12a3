// cubbyhole/: KV version 1 of the caller's own token.
#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

TEST_CASE("a cubbyhole holds values as they were written") {
  ApiClient client;
  CHECK(client.send("GET", "cubbyhole/a").body == kNoErrors);
  CHECK(client.send("POST", "cubbyhole/a", R"({"n":1.10,"s":"x"})").status == 204);
  CHECK(client.send("PUT", "cubbyhole/f/b", R"({"k":[1,{"d":null}]})").status == 204);
  CHECK(client.send("GET", "cubbyhole/a").body == envelope(R"({"n":1.10,"s":"x"})"));
  CHECK(client.send("GET", "cubbyhole/f/b").body == envelope(R"({"k":[1,{"d":null}]})"));
  CHECK(client.send("POST", "cubbyhole/a", R"({"n":2})").status == 204);
  CHECK(client.send("GET", "cubbyhole/a").body == envelope(R"({"n":2})"));
  // In the commit of the change.
  CHECK(client.port.recorded_with_change == std::vector<int>{204, 204, 204});
}

TEST_CASE("listing and removing entries") {
  ApiClient client;
  for (const char* path : {"b", "a", "f/x", "f/y/z", "f", "g/h"})
    client.must("POST", std::string("cubbyhole/") + path, R"({"v":1})");
  struct Row {
    const char* folder;
    const char* keys;  // "": 404
  };
  const Row rows[] = {{"cubbyhole/", R"(["a","b","f","f/","g/"])"},
                      {"cubbyhole/f", R"(["x","y/"])"},
                      {"cubbyhole/f/", R"(["x","y/"])"},
                      {"cubbyhole/f/y/", R"(["z"])"},
                      {"cubbyhole/a", ""},
                      {"cubbyhole/none/", ""}};
  for (const auto& row : rows) {
    CAPTURE(std::string(row.folder));
    const auto got = client.send("LIST", row.folder);
    if (*row.keys == '\0')
      CHECK(got.body == kNoErrors);
    else
      CHECK(got.body == envelope(R"({"keys":)" + std::string(row.keys) + "}"));
  }
  CHECK(client.send("GET", "cubbyhole/?list=true").status == 200);
  CHECK(client.send("DELETE", "cubbyhole/f").status == 204);
  CHECK(client.send("DELETE", "cubbyhole/f").status == 204);
  CHECK(client.send("GET", "cubbyhole/f").status == 404);
  CHECK(client.send("GET", "cubbyhole/f/x").status == 200);
}

TEST_CASE("what a cubbyhole refuses") {
  struct Row {
    const char* method;
    const char* target;
    std::string body;
    int status;
  };
  const Row rows[] = {
      {"POST", "cubbyhole/a", "", 400},
      {"POST", "cubbyhole/a", "{}", 400},
      {"POST", "cubbyhole/a/", R"({"v":1})", 400},
      {"PATCH", "cubbyhole/a", R"({"v":1})", 405},
      {"GET", "cubbyhole/a/", "", 404},
      {"POST", "cubbyhole/a", R"({"v":")" + std::string(300'000, 'x') + R"("})", 413},
      {"POST", "cubbyhole/x", R"({"v":1})", 204}};
  ApiClient client;
  for (const auto& row : rows) {
    CAPTURE(std::string(row.target));
    CHECK(client.send(row.method, row.target, row.body).status == row.status);
  }
  const auto long_path = "cubbyhole/" + std::string(513, 'p');
  CHECK(client.send("POST", long_path, R"({"v":1})").status == 400);
  CHECK(client.send("POST", "cubbyhole/a").body == error_body("missing data fields"));
}

TEST_CASE("a cubbyhole's bounds hold for all entries together, and never stop a removal") {
  ApiClient client;
  const auto half = R"({"v":")" + std::string(130'000, 'x') + R"("})";
  CHECK(client.send("POST", "cubbyhole/a", half).status == 204);
  CHECK(client.send("POST", "cubbyhole/b", half).status == 204);
  CHECK(client.send("POST", "cubbyhole/c", half).status == 413);
  CHECK(client.send("DELETE", "cubbyhole/a").status == 204);
  CHECK(client.send("POST", "cubbyhole/c", half).status == 204);
}

TEST_CASE("each token has its own, also root's") {
  ApiClient client;
  client.port.limited_paths = {"cubbyhole/"};
  CHECK(client.send_as(kLimitedToken, "POST", "cubbyhole/a", R"({"v":1})").status == 204);
  CHECK(client.send("GET", "cubbyhole/a").status == 404);
  CHECK(client.send_as(kLimitedToken, "GET", "cubbyhole/a").status == 200);
}

TEST_CASE("two writers do not lose each other's entries") {
  ApiClient client;
  client.must("POST", "cubbyhole/a", R"({"v":1})");
  client.port.conflicts = 3;
  CHECK(client.send("POST", "cubbyhole/b", R"({"v":2})").status == 204);
  CHECK(client.port.conflicts == 0);
  CHECK(client.send("GET", "cubbyhole/a").status == 200);
  client.port.conflicts = 1000;
  CHECK(client.send("POST", "cubbyhole/c", R"({"v":3})").status == 503);
}

}  // namespace
}  // namespace coffer::test
