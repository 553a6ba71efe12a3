#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

constexpr std::string_view kSecretMount =
    R"({"accessor":"kv_0a1b2c3d","config":{"default_lease_ttl":0,"force_no_cache":false,)"
    R"("max_lease_ttl":0},"deprecation_status":"supported","description":"",)"
    R"("external_entropy_access":false,"local":false,"options":{"version":"2"},)"
    R"("plugin_version":"","running_plugin_version":"","running_sha256":"","seal_wrap":false,)"
    R"("type":"kv","uuid":"ab000000-0000-0000-0000-000000000000")";

TEST_CASE("sys/mounts shows built-in and own mounts, twice") {
  ApiClient client;
  const auto got = client.send("GET", "sys/mounts");
  CHECK(got.status == 200);
  for (const char* path : {"cubbyhole/", "identity/", "secret/", "sys/"}) {
    const auto key = "\"" + std::string(path) + "\":{";
    const auto first = got.body.find(key);
    REQUIRE(first != std::string::npos);
    CHECK(got.body.find(key, first + 1) != std::string::npos);
  }
  CHECK(contains(got.body, R"("type":"cubbyhole")"));
  CHECK(contains(client.send("GET", "team/sys/mounts").body, R"("type":"ns_cubbyhole")"));
  // Accessors stay the same.
  CHECK(client.send("GET", "sys/mounts").body == got.body);
}

TEST_CASE("one mount") {
  ApiClient client;
  for (const char* target : {"sys/mounts/secret", "sys/mounts/secret/"})
    CHECK(contains(client.send("GET", target).body, "\"data\":" + std::string(kSecretMount) + "}"));
  CHECK(client.send("GET", "sys/mounts/cubbyhole").status == 200);
  CHECK(client.send("GET", "sys/mounts/none").body ==
        error_body("No secret engine mount at none/"));
}

TEST_CASE("enabling mounts as clients do") {
  ApiClient client;
  client.must("POST", "sys/mounts/a", R"({"type":"kv","options":{"version":2}})");
  client.must("POST", "sys/mounts/b/c",
              R"({"type":"kv-v2","description":"d","config":{"default_lease_ttl":"1h",)"
              R"("max_lease_ttl":"system","listing_visibility":null},"options":null,)"
              R"("plugin_name":null,"local":false,"seal_wrap":null})");
  CHECK(contains(client.send("GET", "sys/mounts/b/c").body, R"("default_lease_ttl":3600)"));
  client.must("POST", "b/c/data/x", R"({"data":{}})");
  struct Row {
    const char* path;
    const char* body;
    const char* text;
  };
  const Row rows[] = {
      {"a", R"({"type":"kv","options":{"version":"2"}})", "path is already in use at a/"},
      {"a/b", R"({"type":"kv-v2"})", "path is already in use at a/"},
      {"sys", R"({"type":"kv-v2"})", "cannot mount \"sys/\""},
      {"z", R"({"type":"pki"})", "plugin not found in the catalog: pki"},
      {"z", "{}", "backend type must be specified as a string"},
      {"z", R"({"type":"kv","options":{"version":"7"}})",
       "nil backend of type \"kv\" returned from factory"},
  };
  for (const auto& row : rows) {
    INFO(row.path, row.body);
    const auto got = client.send("POST", "sys/mounts/" + std::string(row.path), row.body);
    CHECK(got.status == 400);
    CHECK(got.body == error_body(row.text));
  }
  CHECK(client.send("POST", "sys/mounts/z", R"({"type":"kv-v2","config":"x"})").status == 400);
}

TEST_CASE("disabling and tuning mounts") {
  ApiClient client;
  CHECK(client.send("GET", "sys/mounts/secret/tune").body ==
        R"({"request_id":"ID","lease_id":"","renewable":false,"lease_duration":0,)"
        R"("data":{"default_lease_ttl":2764800,"description":"","force_no_cache":false,)"
        R"("max_lease_ttl":2764800,"options":{"version":"2"}},"wrap_info":null,"warnings":null,)"
        R"("auth":null,"default_lease_ttl":2764800,"description":"","force_no_cache":false,)"
        R"("max_lease_ttl":2764800,"options":{"version":"2"}})");
  client.must("POST", "sys/mounts/secret/tune",
              R"({"description":"new","default_lease_ttl":"2h","listing_visibility":"unauth"})");
  const auto tuned = client.send("GET", "sys/mounts/secret/tune").body;
  CHECK(contains(tuned, R"("description":"new")"));
  CHECK(contains(tuned, R"("default_lease_ttl":7200)"));
  CHECK(client.send("POST", "sys/mounts/secret/tune", R"({"options":{"version":"1"}})").body ==
        error_body("cannot downgrade mount from version 2"));
  CHECK(client.send("GET", "sys/mounts/none/tune").body ==
        error_body("cannot fetch sysview for path \"none\""));
  CHECK(client.send("DELETE", "sys/mounts/secret").status == 204);
  CHECK(client.send("DELETE", "sys/mounts/secret").status == 204);
  CHECK(client.send("DELETE", "sys/mounts/sys").body == error_body("cannot unmount \"sys/\""));
  CHECK(client.send("GET", "secret/data/a").body ==
        error_body("no handler for route \"secret/data/a\". route entry not found."));
}

TEST_CASE("the preflight of the command line") {
  ApiClient client;
  std::string info(kSecretMount);
  info += R"(,"path":"secret/"})";
  for (const char* path : {"secret", "secret/", "secret/foo/bar"})
    CHECK(client.send("GET", "sys/internal/ui/mounts/" + std::string(path)).body == envelope(info));
  CHECK(client.send("GET", "sys/internal/ui/mounts/none/x").body ==
        error_body("preflight capability check returned 403, please ensure client's policies grant "
                   "access to path \"none/x/\""));
  auto got = client.send_as(kLimitedToken, "GET", "sys/internal/ui/mounts/secret/foo");
  CHECK(got.status == 403);
  CHECK(contains(got.body, "preflight capability check returned 403"));
  client.port.limited_paths = {"secret/data/app"};
  CHECK(client.send_as(kLimitedToken, "GET", "sys/internal/ui/mounts/secret/foo").status == 200);
  CHECK(client.send_as("", "GET", "sys/internal/ui/mounts/secret").body == kDenied);
  CHECK(client.send_as("unknown", "GET", "sys/internal/ui/mounts/secret").body == kDenied);
  CHECK(contains(client.send("GET", "sys/internal/ui/mounts/auth/token/create").body,
                 R"("path":"auth/token/")"));
}

TEST_CASE("which mounts are listed to whom") {
  ApiClient client;
  const auto list = [&](std::string_view token) {
    return client.send_as(token, "GET", "sys/internal/ui/mounts").body;
  };
  CHECK(list("") == envelope(R"({"auth":{},"secret":{}})"));
  CHECK(list(kLimitedToken) == envelope(R"({"auth":{},"secret":{}})"));
  CHECK(contains(list(kRootToken), R"("auth":{"token/":{)"));
  CHECK(contains(list(kRootToken), R"("secret/":{"accessor")"));
  client.must("POST", "sys/mounts/secret/tune", R"({"listing_visibility":"unauth"})");
  CHECK(list("") == envelope(R"({"auth":{},"secret":{"secret/":{"description":"",)"
                             R"("options":{"version":"2"},"type":"kv"}}})"));
  // Without a token a namespace that is not there looks like one that shows nothing.
  CHECK(
      client.send_as("", "GET", "sys/internal/ui/mounts", {}, {{"x-vault-namespace", "no"}}).body ==
      envelope(R"({"auth":{},"secret":{}})"));
  CHECK(client.send_as("", "GET", "sys/internal/ui/mounts/x", {}, {{"x-vault-namespace", "no"}})
            .status == 403);
}

TEST_CASE("auth methods: token/ is there, others cannot be had") {
  ApiClient client;
  CHECK(contains(client.send("GET", "sys/auth").body, R"("data":{"token/":{"accessor":"token_)"));
  CHECK(contains(client.send("GET", "sys/auth/token").body, R"("type":"token")"));
  CHECK(client.send("GET", "sys/auth/token/tune").status == 200);
  CHECK(client.send("GET", "sys/auth/approle").body == error_body("No auth engine at approle/"));
  CHECK(client.send("POST", "sys/auth/approle", R"({"type":"approle"})").body ==
        error_body("plugin not found in the catalog: approle"));
  CHECK(client.send("POST", "sys/auth/token", R"({"type":"token"})").body ==
        error_body("path is already in use at token/"));
  CHECK(client.send("DELETE", "sys/auth/approle").status == 204);
  CHECK(client.send("DELETE", "sys/auth/token").status == 400);
}

TEST_CASE("policies in both families") {
  ApiClient client;
  const std::string text = R"(path "secret/*" { capabilities = ["read"] })";
  SecretBytes body;
  json::Writer(body).begin_object().key("policy").string(text).end_object();
  client.must("PUT", "sys/policies/acl/p", body.expose_text());
  CHECK(client.send("LIST", "sys/policies/acl").body ==
        envelope(R"({"keys":["default","p","root"]})"));
  CHECK(client.send("GET", "sys/policies/acl?list=true").status == 200);
  CHECK(client.send("GET", "sys/policies/acl").status == 405);
  const std::string quoted = R"("path \"secret/*\" { capabilities = [\"read\"] }")";
  CHECK(client.send("GET", "sys/policies/acl/P").body ==
        envelope(R"({"name":"p","policy":)" + quoted + "}"));
  CHECK(contains(client.send("GET", "sys/policy/p").body,
                 R"("data":{"name":"p","rules":)" + quoted + R"(},"wrap_info")"));
  CHECK(contains(client.send("GET", "sys/policy").body,
                 R"("keys":["default","p","root"],"policies":["default","p","root"]})"));
  CHECK(client.send("GET", "sys/policies/acl/root").body ==
        envelope(R"({"name":"root","policy":""})"));
  CHECK(client.send("GET", "sys/policies/acl/none").body == kNoErrors);
  client.must("PUT", "sys/policy/q", R"({"rules":"path \"a\" { policy = \"read\" }"})");
  // Base64 of path "b" { capabilities = ["list"] }
  client.must("PUT", "sys/policies/acl/b",
              R"({"policy":"cGF0aCAiYiIgeyBjYXBhYmlsaXRpZXMgPSBbImxpc3QiXSB9"})");
  CHECK(contains(client.send("GET", "sys/policies/acl/b").body, R"(path \"b\")"));
  auto got = client.send("PUT", "sys/policies/acl/UPPER", body.expose_text());
  CHECK(got.status == 200);
  CHECK(got.body == envelope("null", R"(["policy name was converted to lowercase"])"));
}

TEST_CASE("what policies refuse") {
  ApiClient client;
  struct Row {
    const char* method;
    const char* name;
    const char* body;
    const char* text;
  };
  const Row rows[] = {
      {"PUT", "root", R"({"policy":"path \"a\" {}"})", "cannot update \"root\" policy"},
      {"PUT", "p", "{}", "'policy' parameter not supplied or empty"},
      {"PUT", "p", R"({"policy":""})", "'policy' parameter not supplied or empty"},
      {"DELETE", "root", "", "cannot delete \"root\" policy"},
      {"DELETE", "default", "", "cannot delete default policy"},
  };
  for (const auto& row : rows) {
    INFO(row.method, row.name);
    const auto got = client.send(row.method, "sys/policies/acl/" + std::string(row.name), row.body);
    CHECK(got.status == 400);
    CHECK(got.body == error_body(row.text));
  }
  CHECK(contains(client.send("PUT", "sys/policies/acl/p", R"({"policy":"nonsense {"})").body,
                 "failed to parse policy: "));
  CHECK(client.send("DELETE", "sys/policies/acl/none").status == 204);
}

TEST_CASE("capabilities") {
  ApiClient client;
  const auto ask = [&](std::string_view token, const char* target, const char* body) {
    return client.send_as(token, "POST", target, body);
  };
  client.port.limited_paths = {"sys/capabilities-self"};
  CHECK(contains(ask(kRootToken, "sys/capabilities-self", R"({"paths":["a/b"]})").body,
                 R"("data":{"capabilities":["root"],"a/b":["root"]},"wrap_info":null,)"
                 R"("warnings":null,"auth":null,"capabilities":["root"],"a/b":["root"]})"));
  CHECK(contains(ask(kLimitedToken, "sys/capabilities-self", R"({"paths":["x","secret/a"]})").body,
                 R"("data":{"secret/a":["list","read"],"x":["deny"]})"));
  CHECK(contains(ask(kRootToken, "sys/capabilities-self", R"({"path":"a","token":"t"})").body,
                 R"("capabilities":["root"])"));
  const auto twice = ask(kRootToken, "sys/capabilities-self", R"({"paths":["a","a"]})").body;
  CHECK(contains(twice, R"("data":{"a":["root"]})"));
  // A path named like a member of the envelope does not replace it.
  CHECK(contains(ask(kRootToken, "sys/capabilities-self", R"({"paths":"data,auth"})").body,
                 R"("data":{"auth":["root"],"data":["root"]},"wrap_info":null,"warnings":null,)"
                 R"("auth":null})"));
  CHECK(contains(
      ask(kRootToken, "sys/capabilities", R"({"paths":["secret/a"],"token":"limited-token"})").body,
      R"("capabilities":["list","read"])"));
  CHECK(contains(ask(kRootToken, "sys/capabilities-accessor",
                     R"({"paths":["secret/a"],"accessor":"accessor-2"})")
                     .body,
                 R"("capabilities":["list","read"])"));
  struct Row {
    const char* target;
    const char* body;
    const char* text;
  };
  const Row rows[] = {
      {"sys/capabilities-self", "{}", "paths must be supplied"},
      {"sys/capabilities-self", R"({"paths":[""]})", "1 error occurred:\n\t* missing path\n\n"},
      {"sys/capabilities", R"({"paths":"a"})", "1 error occurred:\n\t* missing token\n\n"},
      {"sys/capabilities-accessor", R"({"paths":"a"})",
       "1 error occurred:\n\t* missing accessor\n\n"},
  };
  for (const auto& row : rows) {
    const auto got = ask(kRootToken, row.target, row.body);
    CHECK(got.status == 400);
    CHECK(got.body == error_body(row.text));
  }
}

TEST_CASE("namespaces") {
  ApiClient client;
  auto got = client.send("POST", "sys/namespaces/dev", R"({"custom_metadata":{"a":"1"}})");
  CHECK(got.status == 200);
  CHECK(contains(got.body, R"("data":{"custom_metadata":{"a":"1"},"id":")"));
  CHECK(contains(got.body, R"("path":"dev/")"));
  CHECK(contains(client.send("LIST", "sys/namespaces").body, R"("keys":["dev/","team/"])"));
  CHECK(client.send("LIST", "sys/namespaces", {}, {{"x-vault-namespace", "team"}}).body ==
        kNoErrors);
  CHECK(contains(client.send("POST", "sys/namespaces/dev").body, R"({"a":"1"})"));
  CHECK(contains(
      client.send("PATCH", "sys/namespaces/dev", R"({"custom_metadata":{"a":null,"b":"2"}})").body,
      R"("custom_metadata":{"b":"2"})"));
  CHECK(client.send("PATCH", "sys/namespaces/none", "{}").body ==
        error_body("namespace not found"));
  CHECK(client.send("GET", "sys/namespaces/none").body == kNoErrors);
  CHECK(client.send("POST", "sys/namespaces/a/b").body ==
        error_body("namespace name cannot contain /"));
  CHECK(client.send("POST", "sys/namespaces/x", R"({"custom_metadata":{"a":1}})").status == 400);
  CHECK(client.send("POST", "sys/namespaces/root").status == 400);
  got = client.send("DELETE", "sys/namespaces/dev");
  CHECK(got.status == 200);
  CHECK(contains(got.body, R"("status":"in-progress")"));
  CHECK(client.send("DELETE", "sys/namespaces/dev").status == 204);
}

TEST_CASE("sys/key-status and sys/rotate are about the namespace of the request") {
  ApiClient client;
  const auto status = [](std::string_view more, int term) {
    return R"({"encryptions":17,"install_time":)" + std::string(kTime) + std::string(more) +
           R"(,"term":)" + std::to_string(term) + "}";
  };
  auto got = client.send("GET", "sys/key-status");
  CHECK(got.status == 200);
  CHECK(contains(got.body, R"("data":)" + status("", 1)));
  // Injected: older clients read the top level.
  const auto first = got.body.find(R"("term":1)");
  CHECK(got.body.find(R"("term":1)", first + 1) != std::string::npos);
  for (const char* method : {"POST", "PUT"}) CHECK(client.send(method, "sys/rotate").status == 204);
  CHECK(client.port.recorded_with_change.size() == 2);
  const auto finished = [](int from) {
    return R"(,"rotation":{"state":"finished","from_term":)" + std::to_string(from) +
           R"(,"started":)" + std::string(kTime) + R"(,"finished":)" + std::string(kTime) +
           R"(,"rewrapped":3,"total":3})";
  };
  CHECK(contains(client.send("GET", "sys/key-status").body, status(finished(2), 3)));
  CHECK(contains(client.send("GET", "team/sys/key-status").body, status("", 1)));
  CHECK(client.send("GET", "sys/rotate").status == 405);
  CHECK(client.send("POST", "sys/key-status").status == 405);
  CHECK(client.send_as(kLimitedToken, "POST", "sys/rotate").status == 403);
}

TEST_CASE("a child namespace's key is rotated from its parent") {
  ApiClient client;
  CHECK(client.send("POST", "sys/namespaces/team/rotate").status == 204);
  CHECK(client.port.recorded_with_change.empty());
  CHECK(client.port.recorded.size() == 1);  // in the parent
  CHECK(contains(client.send("GET", "sys/namespaces/team/rotate").body, R"("term":2)"));
  CHECK(contains(client.send("GET", "sys/key-status").body, R"("term":1)"));
  client.port.rotations_end = false;
  CHECK(client.send("PUT", "sys/namespaces/team/rotate").status == 204);
  CHECK(contains(client.send("GET", "sys/namespaces/team/rotate").body,
                 R"("rotation":{"state":"rewrapping","from_term":2,"started":)" +
                     std::string(kTime) + R"(,"finished":null,"rewrapped":3,"total":null})"));
  const auto got = client.send("POST", "sys/namespaces/team/rotate");
  CHECK(got.status == 400);
  CHECK(got.body == error_body("a rotation is in progress"));
  CHECK(client.send("POST", "sys/namespaces/none/rotate").status == 404);
  CHECK(client.send("GET", "sys/namespaces/none/rotate").status == 404);
  CHECK(client.send("POST", "sys/namespaces/a/b/rotate").body ==
        error_body("namespace name cannot contain /"));
}

}  // namespace
}  // namespace coffer::test
