// sys/ha-status, sys/cluster/*, sys/step-down on the active node, and what it does for others.
#include <doctest/doctest.h>

#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

net::HaStatus three_nodes() {
  net::HaStatus ha;
  ha.is_self = true;
  ha.epoch = 7;
  ha.events_end = 100;
  ha.nodes.resize(3);
  ha.nodes[0] = {.id = "a",
                 .api_address = "https://a:8200",
                 .cluster_address = "https://a:8201",
                 .active = true,
                 .last_echo = {},
                 .applied = 100,
                 .state = net::NodeState::active};
  ha.nodes[1] = {.id = "b",
                 .api_address = "https://b:8200",
                 .cluster_address = "https://b:8201",
                 .active = false,
                 .last_echo = Timestamp{1'700'000'000'000'000'000},
                 .applied = 97,
                 .state = net::NodeState::drained};
  ha.nodes[2].id = "c";
  return ha;
}

// A cluster's active node, and what it was asked to do.
struct Active {
  Active() : client(options()) {}
  net::VaultApiOptions options() {
    net::VaultApiOptions made;
    made.ha = &three_nodes;
    made.stand_back = [this](std::optional<Seconds> length) {
      acts.push_back(length ? "stand back " + std::to_string(length->count) : "stand back");
    };
    made.volunteer = [this] { acts.emplace_back("volunteer"); };
    return made;
  }
  std::vector<std::string> acts;
  ApiClient client;
};

TEST_CASE("sys/ha-status says how far each node is") {
  Active active;
  const auto got = active.client.send("GET", "sys/ha-status");
  CHECK(got.status == 200);
  CHECK(contains(got.body,
                 R"({"hostname":"b","api_address":"https://b:8200",)"
                 R"("cluster_address":"https://b:8201","active_node":false,"state":"drained",)"
                 R"("last_echo":"2023-11-14T22:13:20Z","applied":97,"replication_lag":3})"));
  CHECK(contains(got.body,
                 R"("state":"unknown","last_echo":null,"applied":null,"replication_lag":null})"));
}

TEST_CASE("sys/cluster/partitions") {
  Active active;
  const auto got = active.client.send("GET", "sys/cluster/partitions");
  CHECK(got.status == 200);
  CHECK(contains(got.body,
                 R"({"partitions":[{"partition":0,"owner":"a","epoch":7,"events_end":100,)"
                 R"("nodes":[{"node":"a","state":"active","last_echo":null,"applied":100,)"
                 R"("replication_lag":0},)"));
}

TEST_CASE("step-down, drain and undrain") {
  struct Row {
    const char* method;
    const char* path;
    const char* body;
    int status;
    std::vector<std::string> acts;
  };
  const Row rows[] = {
      {"PUT", "sys/step-down", "", 204, {"stand back 10"}},
      {"POST", "sys/step-down", "{}", 204, {"stand back 10"}},
      {"PUT", "sys/cluster/drain", "", 204, {"stand back"}},
      {"PUT", "sys/cluster/drain", R"({"ttl":"90s"})", 204, {"stand back 90"}},
      {"PUT", "sys/cluster/drain", R"({"ttl":0})", 204, {"stand back"}},
      {"PUT", "sys/cluster/drain", R"({"ttl":"721h"})", 400, {}},
      {"PUT", "sys/cluster/drain", R"({"ttl":"soon"})", 400, {}},
      {"PUT", "sys/cluster/undrain", "", 204, {"volunteer"}},
      {"GET", "sys/cluster/drain", "", 405, {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.path);
    CAPTURE(row.body);
    Active active;
    CHECK(active.client.send(row.method, row.path, row.body).status == row.status);
    CHECK(active.acts == row.acts);
    CHECK(active.client.port.heads.size() == 1);
    // Inside a namespace there is no such thing, and without a token there is no consent.
    Active other;
    if (row.status == 204) {
      CHECK(other.client.send(row.method, std::string("team/") + row.path, row.body).status == 400);
      CHECK(other.client.send_as("nobody", row.method, row.path, row.body).status == 403);
      CHECK(other.acts.empty());
    }
  }
}

TEST_CASE("a single node has nobody to hand over to") {
  ApiClient client;
  CHECK(client.send("PUT", "sys/step-down").status == 204);  // as Vault
  for (const auto* path : {"sys/cluster/drain", "sys/cluster/undrain"})
    CHECK(client.send("PUT", path).body ==
          error_body("this vault is a single node, not a cluster"));
  CHECK(client.send("GET", "sys/cluster/partitions").status == 400);
}

TEST_CASE("for another node the active one only checks and records") {
  struct Row {
    const char* path;
    const char* token;
    int status;
  };
  for (const auto& [path, token, status] :
       {Row{"/v1/sys/seal", "root-token", 204}, Row{"/v1/sys/cluster/drain", "root-token", 204},
        Row{"/v1/sys/cluster/undrain", "root-token", 204}, Row{"/v1/sys/seal", "nobody", 403},
        Row{"/v1/sys/cluster/drain", "nobody", 403}}) {
    CAPTURE(path);
    CAPTURE(token);
    Active active;
    CountingRandom random;
    net::VaultApi api(active.client.port, random, active.options());
    auto request = std::make_shared<net::HttpRequest>();
    request->method = "PUT";
    request->target = path;
    request->headers = {{"x-vault-token", token}};
    request->forwarded_by = "b";
    int answered = 0;
    api.handle(request, [&](net::HttpResponse response) { answered = response.status; });
    CHECK(answered == status);
    CHECK(active.acts.empty());
    CHECK_FALSE(active.client.port.service.sealed);
    CHECK(active.client.port.recorded.size() == 1);
  }
}

}  // namespace
}  // namespace coffer::test
