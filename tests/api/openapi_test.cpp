// The OpenAPI document and the route tables say the same, in both directions.
#include <doctest/doctest.h>

#include <set>

#include "events/json/json_value.h"
#include "net/vault_api/openapi.h"
#include "net/vault_api/routes.h"
#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

using net::vault::Route;
using policy::Operation;

json::Document document(const net::VaultApiOptions& options = {}) {
  auto parsed = json::Document::parse(net::vault::openapi_document(options).expose_text());
  REQUIRE(parsed.ok());
  return std::move(parsed).value();
}

// "get sys/mounts/{path}" of every row and operation; a listing is a GET with a trailing slash.
std::set<std::string> served() {
  std::set<std::string> out;
  for (const auto& table : net::vault::route_tables())
    for (const auto& route : table.routes) {
      const auto path = net::vault::route_template(table, route);
      if (route.read != nullptr) out.insert("get /" + path);
      if (route.update != nullptr) out.insert("post /" + path);
      if (route.patch != nullptr) out.insert("patch /" + path);
      if (route.remove != nullptr) out.insert("delete /" + path);
      if (route.list != nullptr) out.insert("get /" + path + (path.ends_with('/') ? "" : "/"));
    }
  return out;
}

std::set<std::string> documented(const json::Value& paths) {
  std::set<std::string> out;
  for (const auto& [path, item] : paths.members())
    for (const auto& [name, operation] : item->members())
      if (name != "parameters") out.insert(std::string(name) + " " + std::string(path));
  return out;
}

TEST_CASE("openapi: every row of the tables, and nothing else") {
  const auto made = document();
  const auto* paths = made.root().find("paths");
  REQUIRE(paths != nullptr);
  const auto wanted = served();
  const auto found = documented(*paths);
  CHECK(wanted.size() > 90);
  for (const auto& one : wanted) CHECK_MESSAGE(found.contains(one), "not documented: " << one);
  for (const auto& one : found) CHECK_MESSAGE(wanted.contains(one), "not served: " << one);
}

TEST_CASE("openapi: operation ids differ, path parameters are declared") {
  const auto made = document();
  std::set<std::string> ids;
  for (const auto& [path, item] : made.root().find("paths")->members()) {
    CAPTURE(std::string(path));
    std::set<std::string> declared;
    for (const auto& parameter : item->find("parameters")->items())
      declared.insert(std::string(parameter->find("name")->text()));
    for (const std::string name : {"mount", "path"})
      CHECK(declared.contains(name) == contains(path, "{" + name + "}"));
    for (const auto& [name, operation] : item->members())
      if (name != "parameters")
        CHECK(ids.insert(std::string(operation->find("operationId")->text())).second);
  }
}

TEST_CASE("openapi: who needs a token") {
  const auto security = [](const json::Document& made, std::string_view path) {
    return made.root().find("paths")->find(path)->find("get")->find("security")->items().size();
  };
  const auto made = document();
  CHECK(security(made, "/sys/health") == 0);
  CHECK(security(made, "/sys/mounts") == 1);
  CHECK(security(made, "/sys/internal/ui/mounts") == 2);  // or none
  CHECK(security(made, "/sys/metrics") == 1);
  net::VaultApiOptions open;
  open.unauthenticated_metrics = true;
  CHECK(security(document(open), "/sys/metrics") == 0);
}

TEST_CASE("openapi: served to everybody, as it is") {
  ApiClient client;
  for (const auto token : {std::string_view(), kLimitedToken, kRootToken}) {
    const auto got = client.send_as(token, "GET", "sys/internal/specs/openapi");
    CHECK(got.status == 200);
    CHECK(got.content_type == "application/json");
    CHECK(contains(got.body, R"({"openapi":"3.0.3","info":{)"));
  }
}

}  // namespace
}  // namespace coffer::test
