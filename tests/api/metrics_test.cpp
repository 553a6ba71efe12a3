// sys/metrics, and what every request adds to the counts.
#include <doctest/doctest.h>

#include "net/vault_api/request_metrics.h"
#include "tests/api/api_client.h"

namespace coffer::test {
namespace {

using net::vault::RequestMetrics;

net::VaultApiOptions options(bool open = false) {
  net::VaultApiOptions made;
  made.metrics = [] { return std::string("coffer_unsealed 1\n"); };
  made.requests = std::make_shared<RequestMetrics>();
  made.unauthenticated_metrics = open;
  return made;
}

TEST_CASE("sys/metrics: formats") {
  struct Row {
    const char* target;
    const char* accept;
    int status;
  };
  ApiClient client(options());
  for (const auto& [target, accept, status] :
       {Row{"sys/metrics?format=prometheus", "", 200}, Row{"sys/metrics", "text/plain", 200},
        Row{"sys/metrics", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5", 200},
        Row{"sys/metrics", "prometheus/telemetry", 200}, Row{"sys/metrics", "", 400},
        Row{"sys/metrics", "*/*", 400}, Row{"sys/metrics", "application/json", 400},
        Row{"sys/metrics?format=json", "text/plain", 400}}) {
    CAPTURE(target);
    CAPTURE(accept);
    Headers headers;
    if (*accept != '\0') headers.emplace_back("accept", accept);
    const auto got = client.send("GET", target, {}, headers);
    CHECK(got.status == status);
    if (status == 200) {
      CHECK(got.content_type == "text/plain; version=0.0.4; charset=utf-8");
      CHECK(got.body == "coffer_unsealed 1\n");
    } else {
      CHECK(contains(got.body, "only the Prometheus format is offered"));
    }
  }
}

TEST_CASE("sys/metrics: who may see it") {
  constexpr const char* kTarget = "sys/metrics?format=prometheus";
  ApiClient closed(options());
  CHECK(closed.send_as("", "GET", kTarget).status == 403);
  CHECK(closed.send_as(kLimitedToken, "GET", kTarget).status == 403);
  closed.port.limited_paths = {"sys/metrics"};
  CHECK(closed.send_as(kLimitedToken, "GET", kTarget).status == 200);
  const auto inside = closed.send("GET", kTarget, {}, {{"x-vault-namespace", "team"}});
  CHECK(inside.status == 400);
  CHECK(contains(inside.body, "operation unavailable in namespaces"));
  CHECK(closed.send("POST", kTarget).status == 405);
  closed.port.service.sealed = true;
  CHECK(closed.send("GET", kTarget).status == 503);

  ApiClient open(options(true));
  CHECK(open.send_as("", "GET", kTarget).status == 200);
  open.port.service.sealed = true;
  CHECK(open.send_as("", "GET", kTarget).status == 200);
}

TEST_CASE("requests are counted by row of the table, never by name") {
  auto made = options();
  const auto metrics = made.requests;
  ApiClient client(made);
  client.must("POST", "secret/data/canary", R"({"data":{}})");
  client.must("GET", "secret/data/canary");
  client.must("GET", "secret/data/canary");
  CHECK(client.send("GET", "secret/data/none").status == 404);
  CHECK(client.send("GET", "secret/data/canary", {}, {{"x-vault-namespace", "team"}}).status ==
        404);
  client.must("LIST", "secret/metadata");
  client.must("GET", "sys/health");
  client.must("GET", "sys/mounts/secret/tune");
  CHECK(client.send("GET", "sys/canary").status == 404);
  CHECK(client.send("BREW", "sys/health").status == 405);
  CHECK(client.send("DELETE", "sys/health").status == 405);

  struct Row {
    const char* route;
    const char* operation;
    const char* status;
    const char* tenant;
    std::uint64_t requests;
  };
  const Row rows[] = {{"other", "other", "4xx", "root", 3},
                      {"sys/health", "read", "2xx", "root", 1},
                      {"sys/mounts/{path}/tune", "read", "2xx", "root", 1},
                      {"{mount}/data/{path}", "read", "2xx", "root", 2},
                      {"{mount}/data/{path}", "read", "4xx", "root", 1},
                      {"{mount}/data/{path}", "read", "4xx", "namespace", 1},
                      {"{mount}/data/{path}", "update", "2xx", "root", 1},
                      {"{mount}/metadata/", "list", "2xx", "root", 1}};
  const auto series = metrics->series();
  for (const auto& row : rows) {
    CAPTURE(row.route);
    CAPTURE(row.operation);
    std::uint64_t found = 0;
    for (const auto& one : series)
      if (one.route == row.route && one.operation == row.operation && one.status == row.status &&
          one.tenant == row.tenant)
        found += one.requests;
    CHECK(found == row.requests);
  }
  for (const auto& one : series) CHECK_FALSE(contains(one.route, "canary"));
  CHECK(metrics->in_flight() == 0);
  std::uint64_t timed = 0;
  for (const auto& one : metrics->latencies()) timed += one.ns.count();
  CHECK(timed == 11);
}

TEST_CASE("a request is in flight until its record is durable") {
  auto made = options();
  const auto metrics = made.requests;
  ApiClient client(made);
  client.port.hold_records = true;
  CHECK(client.send("GET", "sys/health").answers == 0);
  CHECK(metrics->in_flight() == 1);
  client.port.release_records();
  CHECK(metrics->in_flight() == 0);
}

TEST_CASE("a request that fails is reported with what finds it again") {
  std::vector<std::string> reports;
  auto made = options();
  made.report_failure = [&](const net::RequestFailure& failure) {
    reports.push_back(std::string(failure.operation) + " " + std::string(failure.error) + " " +
                      std::string(failure.trace_id) + " " +
                      std::to_string(failure.request_id.size()));
  };
  ApiClient client(made);
  CHECK(client.send("GET", "secret/data/none").status == 404);
  CHECK(reports.empty());
  client.port.next_failure = Error{ErrorCode::internal, "secret/data/canary"};
  CHECK(client
            .send("GET", "secret/data/canary", {},
                  {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}})
            .status == 500);
  REQUIRE(reports.size() == 1);
  CHECK(reports.front() == "read internal 4bf92f3577b34da6a3ce929d0e0e4736 36");
}

}  // namespace
}  // namespace coffer::test
