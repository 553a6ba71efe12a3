// identity/: shapes and statuses as clients expect them.
#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

// The FakePort's ids: 16 equal bytes.
const std::string kFirst = "01010101-0101-0101-0101-010101010101";
const std::string kUnknown = "ffffffff-ffff-ffff-ffff-ffffffffffff";

std::string accessor_of_token(ApiClient& client) {
  const auto body = client.send("GET", "sys/auth").body;
  const auto at = body.find("token_");
  return body.substr(at, body.find('"', at) - at);
}

TEST_CASE("an entity is created with 200, changed with 204, read, listed and deleted") {
  ApiClient client;
  CHECK(client.send("LIST", "identity/entity/id").body == kNoErrors);
  CHECK(client.send("POST", "identity/entity", R"({"name":"alice","policies":"a,b"})").body ==
        envelope(std::string(R"({"aliases":null,"id":")") + kFirst + R"(","name":"alice"})"));
  CHECK(client.send("POST", "identity/entity/name/alice", R"({"metadata":{"k":"v"}})").status ==
        204);
  const auto by_name = client.send("GET", "identity/entity/name/ALICE").body;
  CHECK(by_name ==
        envelope(std::string(R"({"aliases":[],"creation_time":)") + std::string(kTime) +
                 R"(,"last_update_time":)" + std::string(kTime) +
                 R"(,"direct_group_ids":[],"disabled":false,"group_ids":[],"id":")" + kFirst +
                 R"(","inherited_group_ids":[],"merged_entity_ids":null,)"
                 R"("metadata":{"k":"v"},"name":"alice","namespace_id":"root",)"
                 R"("policies":["a","b"]})"));
  CHECK(client.send("GET", std::string("identity/entity/id/") + kFirst).body == by_name);
  for (const char* target : {"identity/entity/name", "identity/entity/name/"})
    CHECK(client.send("LIST", target).body == envelope(R"({"keys":["alice"]})"));
  CHECK(contains(client.send("GET", "identity/entity/id?list=true").body,
                 std::string(R"("keys":[")") + kFirst + "\"]"));
  CHECK(client.send("GET", std::string("identity/entity/id/") + kUnknown).status == 404);
  CHECK(client.send("GET", "identity/entity/id/None").body == kNoErrors);
  CHECK(client.send("DELETE", "identity/entity/id/None").status == 204);
  CHECK(client.send("DELETE", "identity/entity/name/alice").status == 204);
  CHECK(client.send("GET", "identity/entity/name/alice").status == 404);
}

TEST_CASE("aliases name their entity and mount") {
  ApiClient client;
  const auto accessor = accessor_of_token(client);
  client.must("POST", "identity/entity", R"({"name":"alice"})");
  const auto body = R"({"name":"al","canonical_id":")" + std::string(kFirst) +
                    R"(","mount_accessor":")" + accessor + "\"}";
  const auto made = client.send("POST", "identity/entity-alias", body);
  CHECK(made.status == 200);
  CHECK(contains(made.body, std::string(R"("canonical_id":")") + kFirst));
  CHECK(client.send("POST", "identity/entity-alias", body).status == 204);
  const auto list = client.send("LIST", "identity/entity-alias/id").body;
  CHECK(contains(list, R"("mount_path":"auth/token/","mount_type":"token","name":"al")"));
  CHECK(
      client.send("POST", "identity/entity-alias", R"({"name":"x","mount_accessor":"no"})").body ==
      error_body("invalid mount accessor \"no\""));
  const auto lookup =
      client.send("POST", "identity/lookup/entity",
                  R"({"alias_name":"AL","alias_mount_accessor":")" + accessor + "\"}");
  CHECK(contains(lookup.body, R"("name":"alice")"));
}

TEST_CASE("groups: members, types, lookups") {
  ApiClient client;
  client.must("POST", "identity/entity", R"({"name":"alice"})");
  const auto made = client.send("POST", "identity/group",
                                R"({"name":"g","member_group_ids":null,"member_entity_ids":[")" +
                                    std::string(kFirst) + "\"]}");
  CHECK(made.status == 200);
  const auto read = client.send("GET", "identity/group/name/g").body;
  CHECK(contains(read, std::string(R"("member_entity_ids":[")") + kFirst + "\"]"));
  CHECK(contains(read, R"("member_group_ids":null)"));
  CHECK(contains(read, R"("type":"internal")"));
  CHECK(client.send("POST", "identity/group/name/g", R"({"type":"external"})").body ==
        error_body("group type cannot be changed"));
  CHECK(contains(client.send("GET", "identity/entity/name/alice").body,
                 R"("direct_group_ids":["05)"));
  CHECK(client.send("POST", "identity/lookup/group", R"({"id":"group_id"})").status == 204);
  CHECK(client.send("POST", "identity/lookup/group", R"({})").body ==
        error_body("query parameter not supplied"));
  CHECK(contains(client.send("LIST", "identity/group/id").body, R"("num_member_entities":1)"));
  CHECK(client.send("DELETE", "identity/group/name/g").status == 204);
  CHECK(client.send("LIST", "identity/group/name").status == 404);
}

TEST_CASE("what is no path of the store is unsupported") {
  ApiClient client;
  CHECK(client.send("GET", "identity/oidc/config").status == 404);
  CHECK(client.send("GET", "identity/entity").status == 405);
  CHECK(client.send("POST", "identity/entity", R"({"metadata":"text"})").status == 400);
  CHECK(client.send("POST", "identity/entity/merge", R"({"to_entity_id":"x"})").body ==
        error_body("missing entity ids to merge from"));
}

}  // namespace
}  // namespace coffer::test
