// What a node of a cluster says of itself: health and leader answers of a standby and of the active
// node.
#include <doctest/doctest.h>

#include "net/vault_api/vault_api.h"

namespace coffer::net {
namespace {

HaStatus two_nodes() {
  HaStatus ha;
  ha.leader_api_address = "https://a:8200";
  ha.leader_cluster_address = "https://a:8201";
  ha.nodes = {{"a", "https://a:8200", "https://a:8201", true, std::nullopt},
              {"b", "https://b:8200", "https://b:8201", false, std::nullopt}};
  return ha;
}

std::optional<HttpResponse> ask(const std::string& method, const std::string& target,
                                bool initialized = true) {
  HttpRequest request;
  request.method = method;
  request.target = target;
  VaultApiOptions options;
  options.ha = &two_nodes;
  return standby_answer(request, initialized, Timestamp{1'700'000'000'000'000'000}, options);
}

TEST_CASE("standby: health statuses as the caller chooses them") {
  struct Row {
    const char* target;
    bool initialized;
    int status;
  };
  for (const auto& [target, initialized, status] :
       {Row{"/v1/sys/health", true, 429}, Row{"/v1/sys/health?standbyok=true", true, 200},
        Row{"/v1/sys/health?standbyok=false", true, 429},
        Row{"/v1/sys/health?standbycode=299", true, 299},
        Row{"/v1/sys/health?standbyok=true&activecode=201", true, 201},
        Row{"/v1/sys/health?standbycode=99", true, 400},
        Row{"/v1/sys/health?standbyok=perhaps", true, 400}, Row{"/v1/sys/health", false, 501},
        Row{"/v1/sys/health?uninitcode=202", false, 202}}) {
    CAPTURE(target);
    const auto answer = ask("GET", target, initialized);
    REQUIRE(answer);
    CHECK(answer->status == status);
  }
}

TEST_CASE("standby: bodies") {
  const auto health = ask("GET", "/v1/sys/health");
  REQUIRE(health);
  CHECK(health->body.expose_text() ==
        R"({"initialized":true,"sealed":false,"standby":true,"performance_standby":false,)"
        R"("replication_performance_mode":"disabled","replication_dr_mode":"disabled",)"
        R"("server_time_utc":1700000000,"version":"1.18.0","enterprise":false})");
  const auto leader = ask("GET", "/v1/sys/leader");
  REQUIRE(leader);
  CHECK(leader->status == 200);
  CHECK(leader->body.expose_text() ==
        R"({"ha_enabled":true,"is_self":false,"active_time":"0001-01-01T00:00:00Z",)"
        R"("leader_address":"https://a:8200","leader_cluster_address":"https://a:8201",)"
        R"("performance_standby":false,"performance_standby_last_remote_wal":0})");
  const auto head = ask("HEAD", "/v1/sys/health");
  REQUIRE(head);
  CHECK(head->status == 429);
  CHECK(head->body.empty());
}

TEST_CASE("standby: everything else is not its own to answer") {
  for (const auto* target : {"/v1/secret/data/a", "/v1/sys/seal-status", "/v1/sys/healthy",
                             "/v1/sys/leader/x", "/v1/", "/"}) {
    CAPTURE(target);
    CHECK_FALSE(ask("GET", target));
  }
  CHECK_FALSE(ask("POST", "/v1/sys/health"));
  // And costs nothing: the cluster's state is not asked for.
  HttpRequest request;
  request.method = "GET";
  request.target = "/v1/secret/data/a";
  bool asked = false;
  VaultApiOptions options;
  options.ha = [&] {
    asked = true;
    return two_nodes();
  };
  CHECK_FALSE(standby_answer(request, true, Timestamp{1}, options));
  CHECK_FALSE(asked);
}

}  // namespace
}  // namespace coffer::net
