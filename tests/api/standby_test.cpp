// What a node of a cluster answers by itself while another one is active, and what only with that
// one's consent.
#include <doctest/doctest.h>

#include "net/vault_api/standby.h"
#include "tests/api/api_client.h"

namespace coffer::net {
namespace {

using test::contains;

HaStatus two_nodes() {
  HaStatus ha;
  ha.leader_api_address = "https://a:8200";
  ha.leader_cluster_address = "https://a:8201";
  ha.nodes.resize(2);
  ha.nodes[0].id = "a";
  ha.nodes[1].id = "b";
  return ha;
}

enum class Seal { uninitialised, sealed, unsealed };

// A node whose shares are single bytes, two of three needed.
class FakeNode final : public StandbyPort {
 public:
  explicit FakeNode(Seal seal) : seal_(seal) {}

  [[nodiscard]] bool sealed() const override { return seal_ == Seal::sealed; }
  [[nodiscard]] api::ServiceStatus status() const override {
    api::ServiceStatus status;
    status.seal_type = api::SealType::shamir;
    status.initialized = seal_ != Seal::uninitialised;
    status.sealed = seal_ != Seal::unsealed;
    status.threshold = status.initialized ? 2 : 0;
    status.shares = status.initialized ? 3 : 0;
    status.progress = progress;
    return status;
  }
  void look_again(std::function<void(api::ServiceStatus)> done) override {
    ++looks;
    if (initialised_elsewhere) seal_ = Seal::sealed;
    done(status());
  }
  void unseal(SecretBytes share, api::Callback<api::ServiceStatus> done) override {
    if (share.size() != 1) return done(fail(ErrorCode::invalid_argument, "wrong length"));
    if (++progress == 2) seal_ = Seal::unsealed;
    done(status());
  }
  api::ServiceStatus reset_unseal() override {
    progress = 0;
    return status();
  }
  void seal() override { acts.emplace_back("seal"); }
  void stand_back(std::optional<Seconds> length) override {
    acts.push_back(length ? "stand back " + std::to_string(length->count) : "stand back");
  }
  void volunteer() override { acts.emplace_back("volunteer"); }

  unsigned progress = 0;
  unsigned looks = 0;
  bool initialised_elsewhere = false;
  std::vector<std::string> acts;

 private:
  Seal seal_;
};

struct Outcome {
  bool answered = false;  // by the node itself
  std::optional<HttpResponse> response;
  Responder respond;                                  // what the active node's answer is given to
  std::shared_ptr<std::optional<HttpResponse>> seen;  // and what the client then gets
};

Outcome ask(FakeNode& node, const std::string& method, const std::string& target,
            std::string_view body = {}, bool open_metrics = false) {
  auto request = std::make_shared<HttpRequest>();
  request->method = method;
  request->target = target;
  request->body = SecretBytes(body);
  static VaultApiOptions options = [] {
    VaultApiOptions made;
    made.ha = &two_nodes;
    made.metrics = [] { return std::string("own 1\n"); };
    return made;
  }();
  options.unauthenticated_metrics = open_metrics;
  Outcome outcome;
  auto seen = std::make_shared<std::optional<HttpResponse>>();
  Responder respond = [seen](HttpResponse response) { *seen = std::move(response); };
  outcome.answered =
      answer_as_standby(request, respond, node, Timestamp{1'700'000'000'000'000'000}, options);
  // It is still whole when it goes on.
  if (!outcome.answered) CHECK(request->body.expose_text() == body);
  if (*seen) outcome.response = std::move(**seen);
  outcome.respond = std::move(respond);
  outcome.seen = std::move(seen);
  return outcome;
}

TEST_CASE("standby: health statuses as the caller chooses them") {
  struct Row {
    const char* target;
    Seal seal;
    int status;
  };
  for (const auto& [target, seal, status] :
       {Row{"/v1/sys/health", Seal::unsealed, 429},
        Row{"/v1/sys/health?standbyok=true", Seal::unsealed, 200},
        Row{"/v1/sys/health?standbyok=false", Seal::unsealed, 429},
        Row{"/v1/sys/health?standbycode=299", Seal::unsealed, 299},
        Row{"/v1/sys/health?standbyok=true&activecode=201", Seal::unsealed, 201},
        Row{"/v1/sys/health?standbycode=99", Seal::unsealed, 400},
        Row{"/v1/sys/health?standbyok=perhaps", Seal::unsealed, 400},
        Row{"/v1/sys/health", Seal::uninitialised, 501},
        Row{"/v1/sys/health?uninitcode=202", Seal::uninitialised, 202},
        Row{"/v1/sys/health", Seal::sealed, 503},
        Row{"/v1/sys/health?standbyok=true", Seal::sealed, 503},
        Row{"/v1/sys/health?sealedcode=203", Seal::sealed, 203}}) {
    CAPTURE(target);
    FakeNode node(seal);
    const auto outcome = ask(node, "GET", target);
    CHECK(outcome.answered);
    REQUIRE(outcome.response);
    CHECK(outcome.response->status == status);
  }
}

TEST_CASE("standby: bodies") {
  FakeNode node(Seal::unsealed);
  const auto body = [&](const char* target) {
    auto outcome = ask(node, "GET", target);
    REQUIRE(outcome.response);
    CHECK(outcome.response->content_type == "application/json");
    return std::string(outcome.response->body.expose_text());
  };
  CHECK(body("/v1/sys/health") ==
        R"({"initialized":true,"sealed":false,"standby":true,"performance_standby":false,)"
        R"("replication_performance_mode":"disabled","replication_dr_mode":"disabled",)"
        R"("server_time_utc":1700000000,"version":"1.18.0","enterprise":false})");
  CHECK(body("/v1/sys/leader") ==
        R"({"ha_enabled":true,"is_self":false,"active_time":"0001-01-01T00:00:00Z",)"
        R"("leader_address":"https://a:8200","leader_cluster_address":"https://a:8201",)"
        R"("performance_standby":false,"performance_standby_last_remote_wal":0})");
  CHECK(contains(body("/v1/sys/seal-status"), R"("sealed":false,"t":2,"n":3)"));
  CHECK(body("/v1/sys/init") == R"({"initialized":true})");
  const auto head = ask(node, "HEAD", "/v1/sys/health");
  REQUIRE(head.response);
  CHECK(head.response->status == 429);
  CHECK(head.response->body.empty());
}

// "": the request goes on to the active node.
TEST_CASE("standby: whose a request is, by the state of the node's seal") {
  struct Row {
    const char* method;
    const char* target;
    const char* body;
    int uninitialised;  // 0: the active node's
    int sealed;
    int unsealed;
  };
  const Row rows[] = {
      {"GET", "/v1/secret/data/a", "", 0, 503, 0},
      {"POST", "/v1/sys/mounts/x", "{}", 0, 503, 0},
      {"GET", "/v1/sys/healthy", "", 0, 503, 0},
      {"GET", "/v1/sys/leader/x", "", 0, 503, 0},
      {"GET", "/", "", 0, 503, 0},
      {"GET", "/v1/sys/ha-status", "", 0, 503, 0},
      {"GET", "/v1/sys/leader", "", 200, 503, 200},
      {"GET", "/v1/sys/seal-status", "", 200, 200, 200},
      {"GET", "/v1/sys/init", "", 200, 200, 200},
      {"PUT", "/v1/sys/init", R"({"secret_shares":1,"secret_threshold":1})", 0, 400, 0},
      {"PUT", "/v1/sys/unseal", R"({"key":"01"})", 400, 200, 200},
      {"PUT", "/v1/sys/unseal", "{}", 400, 400, 400},
      {"PUT", "/v1/sys/unseal", "{", 400, 400, 400},
      {"GET", "/v1/sys/unseal", "", 405, 405, 405},
      {"DELETE", "/v1/sys/health", "", 405, 405, 405},
      {"PUT", "/v1/sys/seal", "", 0, 503, 0},
      {"PUT", "/v1/sys/step-down", "", 0, 503, 0},
      {"PUT", "/v1/sys/cluster/drain", "", 0, 503, 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.method);
    CAPTURE(row.target);
    CAPTURE(row.body);
    for (const auto& [seal, status] :
         {std::pair{Seal::uninitialised, row.uninitialised}, std::pair{Seal::sealed, row.sealed},
          std::pair{Seal::unsealed, row.unsealed}}) {
      FakeNode node(seal);
      const auto outcome = ask(node, row.method, row.target, row.body);
      CHECK(outcome.answered == (status != 0));
      CHECK((outcome.response ? outcome.response->status : 0) == status);
      CHECK(node.acts.empty());
    }
  }
}

TEST_CASE("standby: shares count on this node alone") {
  FakeNode node(Seal::sealed);
  const auto unseal = [&](const char* body) {
    auto outcome = ask(node, "PUT", "/v1/sys/unseal", body);
    REQUIRE(outcome.response);
    return std::string(outcome.response->body.expose_text());
  };
  CHECK(contains(unseal(R"({"key":"01"})"), R"("sealed":true,"t":2,"n":3,"progress":1)"));
  CHECK(contains(unseal(R"({"reset":true})"), R"("progress":0)"));
  CHECK(contains(unseal(R"({"key":"0102"})"), "wrong length"));
  unseal(R"({"key":"01"})");
  CHECK(contains(unseal(R"({"key":"AQ=="})"), R"("sealed":false)"));
}

TEST_CASE("standby: a node that knows of no vault looks again before it says so") {
  for (const auto* target : {"/v1/sys/seal-status", "/v1/sys/init", "/v1/sys/health"}) {
    CAPTURE(target);
    FakeNode node(Seal::uninitialised);
    node.initialised_elsewhere = true;
    const auto outcome = ask(node, "GET", target);
    REQUIRE(outcome.response);
    CHECK(contains(outcome.response->body.expose_text(), R"("initialized":true)"));
    CHECK(node.looks == 1);
    ask(node, "GET", target);
    CHECK(node.looks == 1);
  }
  FakeNode node(Seal::uninitialised);
  node.initialised_elsewhere = true;
  const auto outcome = ask(node, "PUT", "/v1/sys/unseal", R"({"key":"01"})");
  REQUIRE(outcome.response);
  CHECK(outcome.response->status == 200);
}

TEST_CASE("standby: what needs a token is done when the active node has agreed") {
  struct Row {
    const char* target;
    const char* body;
    const char* act;
  };
  for (const auto& [target, body, act] :
       {Row{"/v1/sys/seal", "", "seal"}, Row{"/v1/sys/cluster/drain", "{}", "stand back"},
        Row{"/v1/sys/cluster/drain", R"({"ttl":"60s"})", "stand back 60"},
        Row{"/v1/sys/cluster/drain", R"({"ttl":"1000h"})", ""},  // refused there
        Row{"/v1/sys/cluster/drain", "{", ""}, Row{"/v1/sys/cluster/undrain", "{}", "volunteer"},
        Row{"/v1/sys/step-down", "", ""}}) {
    CAPTURE(target);
    CAPTURE(body);
    for (const int status : {204, 403, 503}) {
      FakeNode node(Seal::unsealed);
      const auto outcome = ask(node, "PUT", target, body);
      CHECK_FALSE(outcome.answered);
      CHECK(node.acts.empty());
      HttpResponse response;
      response.status = status;
      outcome.respond(std::move(response));
      const bool acts = status == 204 && *act != '\0';
      CHECK(node.acts == (acts ? std::vector<std::string>{act} : std::vector<std::string>{}));
    }
  }
}

TEST_CASE("standby: a request that only passes costs no look at the cluster") {
  FakeNode node(Seal::unsealed);
  auto request = std::make_shared<HttpRequest>();
  request->method = "GET";
  request->target = "/v1/secret/data/a";
  bool asked = false;
  VaultApiOptions options;
  options.ha = [&] {
    asked = true;
    return two_nodes();
  };
  Responder respond = [](HttpResponse) {};
  CHECK_FALSE(answer_as_standby(request, respond, node, Timestamp{1}, options));
  CHECK_FALSE(asked);
}

TEST_CASE("standby: its own metrics, with the active node's consent") {
  constexpr const char* kTarget = "/v1/sys/metrics?format=prometheus";
  FakeNode node(Seal::unsealed);
  const auto answer_of_active = [&](int status) {
    HttpResponse response;
    response.status = status;
    response.body = SecretBytes(std::string_view("of the active node"));
    return response;
  };
  for (const auto& [status, own] : {std::pair(204, true), std::pair(403, false)}) {
    auto outcome = ask(node, "GET", kTarget);
    CHECK_FALSE(outcome.answered);
    outcome.respond(answer_of_active(status));
    const auto& seen = *outcome.seen;
    REQUIRE(seen);
    CHECK(seen->status == (own ? 200 : status));
    CHECK(seen->body.expose_text() == (own ? "own 1\n" : "of the active node"));
  }
}

TEST_CASE("standby: open metrics ask nobody") {
  struct Row {
    const char* target;
    Seal seal;
    bool open;
    int status;  // 0: goes to the active node
  };
  for (const auto& [target, seal, open, status] :
       {Row{"/v1/sys/metrics?format=prometheus", Seal::unsealed, true, 200},
        Row{"/v1/sys/metrics?format=prometheus", Seal::sealed, true, 200},
        Row{"/v1/sys/metrics?format=prometheus", Seal::uninitialised, true, 200},
        Row{"/v1/sys/metrics", Seal::unsealed, true, 400},
        Row{"/v1/sys/metrics?format=prometheus", Seal::sealed, false, 503},
        Row{"/v1/sys/metrics?format=prometheus", Seal::unsealed, false, 0}}) {
    CAPTURE(target);
    FakeNode node(seal);
    const auto outcome = ask(node, "GET", target, {}, open);
    CHECK(outcome.answered == (status != 0));
    if (status == 0) continue;
    REQUIRE(outcome.response);
    CHECK(outcome.response->status == status);
    if (status == 200) CHECK(outcome.response->body.expose_text() == "own 1\n");
  }
}

}  // namespace
}  // namespace coffer::net
