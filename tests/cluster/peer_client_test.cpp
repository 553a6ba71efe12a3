// The pool of connections to peers, against real listeners.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/cluster/cluster_fixture.h"

namespace coffer::test {
namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("peer client: methods, targets, headers and bodies arrive as they were sent") {
  Cluster cluster;
  const auto server =
      start_server(cluster.listener_options("b"), [](const auto& got, auto respond) {
        auto response =
            text_response(got->method + " " + got->target + " " + std::string(got->header("host")) +
                          " " + std::string(got->header("x-vault-token")) + " " +
                          got->peer_identity + " " + std::string(got->body.expose_text()));
        response.headers.emplace_back("X-Back", "kept");
        respond(std::move(response));
      });
  const auto client = cluster.client("a");
  const auto peer = address_of("b", server->port());
  for (const std::string method :
       {"GET", "LIST", "SCAN", "POST", "PUT", "PATCH", "DELETE", "ODD"}) {
    CAPTURE(method);
    auto request = make_request(method, "/v1/a%20b?list=true", method == "GET" ? "" : "body");
    request->headers.emplace_back("x-vault-token", "t");
    const auto result = call(*client, peer, request);
    REQUIRE(result.ok());
    CHECK(result.value().status == 200);
    CHECK(result.value().content_type == "text/plain");
    CHECK(result.value().body.expose_text() ==
          method + " /v1/a%20b?list=true vault.test t a " + (method == "GET" ? "" : "body"));
    CHECK(std::count(result.value().headers.begin(), result.value().headers.end(),
                     std::pair<std::string, std::string>("X-Back", "kept")) == 1);
  }
  CHECK(client->counters().connections_opened == 1);  // one after the other: one is enough
}

TEST_CASE("peer client: head has a length and no body, 204 has neither") {
  Cluster cluster;
  const auto server =
      start_server(cluster.listener_options("b"), [](const auto& got, auto respond) {
        auto response = text_response("12345");
        if (got->target == "/empty") response.status = 204;
        respond(std::move(response));
      });
  const auto client = cluster.client("a");
  const auto peer = address_of("b", server->port());
  const auto head = call(*client, peer, make_request("HEAD", "/"));
  REQUIRE(head.ok());
  CHECK(head.value().body.empty());
  CHECK(head.value().head_body_bytes == 5);
  const auto empty = call(*client, peer, make_request("DELETE", "/empty"));
  REQUIRE(empty.ok());
  CHECK(empty.value().status == 204);
  CHECK(empty.value().body.empty());
  CHECK(outcome(call(*client, peer, make_request("GET", "/"))) == "200");
  CHECK(client->counters().connections_opened == 1);
}

TEST_CASE("peer client: bodies of any size pass in both directions") {
  Cluster cluster;
  const auto server =
      start_server(cluster.listener_options("b"), [](const auto& got, auto respond) {
        net::HttpResponse response;
        response.body = std::move(got->body);
        respond(std::move(response));
      });
  const auto client = cluster.client("a");
  const auto peer = address_of("b", server->port());
  for (const std::size_t size : {0UL, 1UL, 16'383UL, 16'384UL, 16'385UL, 100'000UL, 20'000'000UL}) {
    CAPTURE(size);
    std::string body(size, 'x');
    for (std::size_t i = 0; i < size; i += 997) body[i] = static_cast<char>('a' + i % 26);
    const auto result = call(*client, peer, make_request("POST", "/", body));
    REQUIRE(result.ok());
    CHECK((result.value().body.expose_text() == body));
  }
}

TEST_CASE("peer client: a thousand requests at once share a bounded pool") {
  Cluster cluster;
  const auto server = start_server(cluster.listener_options("b"), &echo);
  net::PeerLimits limits;
  limits.connections_max = 8;
  limits.queue_max = 992;
  const auto client = cluster.client("a", limits);
  const auto peer = address_of("b", server->port());
  Results results;
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i) {
    senders.emplace_back([&] {
      for (int j = 0; j < 250; ++j) {
        client->send(peer, make_request("PUT", "/x", "y"),
                     std::chrono::steady_clock::now() + kPatience, results.callback());
      }
    });
  }
  for (auto& sender : senders) sender.join();
  REQUIRE(results.wait_for_count(1000));
  for (const auto& result : results.take()) {
    REQUIRE(result.ok());
    REQUIRE(result.value().body.expose_text() == "PUT /x y");
  }
  CHECK(client->counters().connections_opened <= 8);
  CHECK(server->counters().requests == 1000);
  CHECK(client->counters().requests_under_way == 0);
}

TEST_CASE("peer client: beyond connections and queue a request is refused at once") {
  Cluster cluster;
  Held held;
  const auto server = start_server(cluster.listener_options("b"), held.handler());
  net::PeerLimits limits;
  limits.connections_max = 1;
  limits.queue_max = 1;
  const auto client = cluster.client("a", limits);
  const auto peer = address_of("b", server->port());
  Results accepted;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  client->send(peer, make_request("POST", "/1"), deadline, accepted.callback());
  client->send(peer, make_request("POST", "/2"), deadline, accepted.callback());
  Results refused;
  client->send(peer, make_request("GET", "/3"), deadline, refused.callback());
  REQUIRE(refused.count() == 1);  // before send() returned
  CHECK(outcome(refused.wait()) == "overloaded");
  REQUIRE(eventually([&] {
    held.answer_all();
    return accepted.count() == 2;
  }));
  for (const auto& result : accepted.take()) CHECK(outcome(result) == "200");
  // There is room again.
  client->send(peer, make_request("GET", "/4"), deadline, accepted.callback());
  REQUIRE(eventually([&] {
    held.answer_all();
    return accepted.count() == 1;
  }));
  CHECK(outcome(accepted.wait()) == "200");
  CHECK(server->counters().requests == 3);
}

TEST_CASE("peer client: the pool recovers when the peer starts again") {
  Cluster cluster;
  net::HttpServerOptions options = cluster.listener_options("b");
  auto server = start_server(options, &echo);
  options.port = server->port();
  const auto client = cluster.client("a");
  const auto peer = address_of("b", server->port());
  CHECK(outcome(call(*client, peer, make_request("POST", "/"))) == "200");
  server->stop(0);
  REQUIRE(eventually([&] { return client->counters().connections_open == 0; }));
  CHECK(outcome(call(*client, peer, make_request("POST", "/"))) == "unavailable");
  server = start_server(options, &echo);
  CHECK(outcome(call(*client, peer, make_request("POST", "/"))) == "200");
  // Stopped and started without a request between.
  server->stop(0);
  REQUIRE(eventually([&] { return client->counters().connections_open == 0; }));
  server = start_server(options, &echo);
  CHECK(outcome(call(*client, peer, make_request("POST", "/"))) == "200");
}

TEST_CASE("peer client: wrong certificates end before a request is written") {
  Cluster cluster;
  Cluster stranger;
  const auto server = start_server(cluster.listener_options("b"), &echo);
  auto peer = address_of("b", server->port());
  net::PeerClientOptions options = cluster.client_options("a");
  SUBCASE("the server's authority is not ours") {
    options.authority_file = stranger.authority.authority_file();
  }
  SUBCASE("the server has another identity") {
    peer.identity = "c";
  }
  SUBCASE("a part of the identity") {
    peer.identity = "local";
  }
  SUBCASE("our certificate is of another authority") {
    const CertificateFiles foreign = stranger.node("a");
    options.certificate_file = foreign.certificate;
    options.key_file = foreign.key;
  }
  auto client = net::PeerClient::start(options);
  REQUIRE(client.ok());
  for (const std::string method : {"GET", "POST"}) {
    CHECK(outcome(call(*client.value(), peer, make_request(method, "/"))) == "unavailable");
  }
  client.value()->stop();
  CHECK(eventually([&] { return server->counters().connections_open == 0; }));
  CHECK(server->counters().requests == 0);
}

TEST_CASE("peer client: a new certificate counts for new connections after a reload") {
  Cluster cluster;
  const auto server =
      start_server(cluster.listener_options("b"), [](const auto& got, auto respond) {
        auto response = text_response(got->peer_identity);
        response.close = true;
        respond(std::move(response));
      });
  const auto peer = address_of("b", server->port());
  const auto options = cluster.client_options("a");
  auto started = net::PeerClient::start(options);
  REQUIRE(started.ok());
  net::PeerClient& client = *started.value();
  const auto identity = [&] {
    const auto result = call(client, peer, make_request("GET", "/"));
    REQUIRE(result.ok());
    return std::string(result.value().body.expose_text());
  };
  CHECK(identity() == "a");
  ignore_result(Result<CertificateFiles>(cluster.authority.issue_as("a", "DNS:a-renewed")));
  CHECK(identity() == "a");
  REQUIRE(client.reload_certificate().ok());
  CHECK(identity() == "a-renewed");
}

TEST_CASE("peer client: what cannot work is refused at the start") {
  Cluster cluster;
  net::PeerClientOptions options = cluster.client_options("a");
  SUBCASE("certificate") {
    options.certificate_file += ".absent";
  }
  SUBCASE("key") {
    options.key_file = cluster.node("b").key;
  }
  SUBCASE("authority") {
    options.authority_file += ".absent";
  }
  const auto started = net::PeerClient::start(options);
  REQUIRE(!started.ok());
  CHECK(started.error().code == ErrorCode::invalid_argument);
}

TEST_CASE("peer client: a request that cannot be written as HTTP is refused") {
  Cluster cluster;
  const auto client = cluster.client("a");
  const auto peer = address_of("b", 1);
  auto method = make_request("GET /x", "/");
  auto target = make_request("GET", "/ HTTP/1.1\r\nX: y");
  auto value = make_request("GET", "/");
  value->headers.emplace_back("x-a", "b\r\nX-Vault-Token: c");
  auto name = make_request("GET", "/");
  name->headers.emplace_back("x-a: b\r\nx-c", "d");
  for (const auto& request : {method, target, value, name}) {
    CHECK(outcome(call(*client, peer, request)) == "invalid_argument");
  }
}

TEST_CASE("peer client: an answer beyond the limits") {
  Cluster cluster;
  const auto server =
      start_server(cluster.listener_options("b"), [](const auto& got, auto respond) {
        auto response = text_response(std::string(got->target == "/body" ? 5'000 : 10, 'x'));
        if (got->target == "/header")
          response.headers.emplace_back("X-Long", std::string(5'000, 'x'));
        respond(std::move(response));
      });
  net::PeerLimits limits;
  limits.answer_body_bytes_max = 4'000;
  limits.answer_header_bytes_max = 4'000;
  const auto client = cluster.client("a", limits);
  const auto peer = address_of("b", server->port());
  for (const std::string target : {"/body", "/header"}) {
    CAPTURE(target);
    CHECK(outcome(call(*client, peer, make_request("GET", target))) == "internal");
    CHECK(outcome(call(*client, peer, make_request("POST", target))) == "unknown_outcome");
  }
  CHECK(outcome(call(*client, peer, make_request("POST", "/"))) == "200");
}

TEST_CASE("peer client: at its deadline a request fails by what may have happened to it") {
  Cluster cluster;
  Held held;
  const auto server = start_server(cluster.listener_options("b"), held.handler());
  net::PeerLimits limits;
  limits.connections_max = 1;
  const auto client = cluster.client("a", limits);
  const auto peer = address_of("b", server->port());
  // On a slow machine a short deadline may pass before anything is sent.
  auto time = 100ms;
  SUBCASE("a write that was sent") {
    std::string result;
    do {
      result = outcome(call(*client, peer, make_request("POST", "/"), time *= 2));
    } while (result == "unavailable" && time < kPatience);
    CHECK(result == "unknown_outcome");
  }
  SUBCASE("a read that was sent") {
    do {
      CHECK(outcome(call(*client, peer, make_request("GET", "/"), time *= 2)) == "unavailable");
    } while (held.count() == 0 && time < kPatience);
    CHECK(held.count() != 0);
  }
  SUBCASE("a write that waited for a connection") {
    Results first;
    client->send(peer, make_request("POST", "/"), std::chrono::steady_clock::now() + kPatience,
                 first.callback());
    REQUIRE(eventually([&] { return held.count() == 1; }));
    CHECK(outcome(call(*client, peer, make_request("POST", "/"), 100ms)) == "unavailable");
    held.answer_all();
    CHECK(outcome(first.wait()) == "200");
  }
  SUBCASE("a deadline that has passed") {
    CHECK(outcome(call(*client, peer, make_request("POST", "/"), -1s)) == "unavailable");
    CHECK(server->counters().requests == 0);
  }
  held.answer_all();  // too late: dropped
  Results after;
  client->send(peer, make_request("POST", "/"), std::chrono::steady_clock::now() + kPatience,
               after.callback());
  REQUIRE(eventually([&] {
    held.answer_all();
    return after.count() == 1;
  }));
  CHECK(outcome(after.wait()) == "200");
}

TEST_CASE("peer client: the limit of an answer ends a request before its deadline") {
  Cluster cluster;
  Held held;
  const auto server = start_server(cluster.listener_options("b"), held.handler());
  net::PeerLimits limits;
  limits.answer_max = 200ms;
  const auto client = cluster.client("a", limits);
  const auto peer = address_of("b", server->port());
  CHECK(outcome(call(*client, peer, make_request("POST", "/"))) == "unknown_outcome");
}

TEST_CASE("peer client: idle connections close") {
  Cluster cluster;
  const auto server = start_server(cluster.listener_options("b"), &echo);
  net::PeerLimits limits;
  limits.idle_max = 50ms;
  const auto client = cluster.client("a", limits);
  CHECK(outcome(call(*client, address_of("b", server->port()), make_request("GET", "/"))) == "200");
  CHECK(eventually([&] { return client->counters().connections_open == 0; }));
  CHECK(eventually([&] { return server->counters().connections_open == 0; }));
}

TEST_CASE("peer client: the request is let go before its callback runs") {
  Cluster cluster;
  const auto server = start_server(cluster.listener_options("b"), &echo);
  const auto client = cluster.client("a");
  for (const std::size_t size : {10UL, 1'000'000UL}) {
    auto request = make_request("POST", "/", std::string(size, 's'));
    const std::weak_ptr<net::HttpRequest> seen = request;
    std::atomic<int> expired{-1};
    client->send(address_of("b", server->port()), std::move(request),
                 std::chrono::steady_clock::now() + kPatience,
                 [&](const Result<net::HttpResponse>&) { expired = seen.expired() ? 1 : 0; });
    REQUIRE(eventually([&] { return expired != -1; }));
    CHECK(expired == 1);  // and with it body and, in a server's request, token are wiped
  }
}

TEST_CASE("peer client: stop answers everything, afterwards nothing is accepted") {
  Cluster cluster;
  Held held;
  const auto server = start_server(cluster.listener_options("b"), held.handler());
  net::PeerLimits limits;
  limits.connections_max = 2;
  const auto client = cluster.client("a", limits);
  const auto peer = address_of("b", server->port());
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  Results written;
  Results read;
  Results waiting;
  client->send(peer, make_request("POST", "/"), deadline, written.callback());
  client->send(peer, make_request("GET", "/"), deadline, read.callback());
  REQUIRE(eventually([&] { return held.count() == 2; }));
  client->send(peer, make_request("POST", "/"), deadline, waiting.callback());
  client->stop();
  CHECK(outcome(written.wait()) == "unknown_outcome");
  CHECK(outcome(read.wait()) == "unavailable");
  CHECK(outcome(waiting.wait()) == "unavailable");
  CHECK(outcome(call(*client, peer, make_request("GET", "/"))) == "unavailable");
  CHECK(client->counters().connections_open == 0);
  client->stop();  // again: nothing
}

TEST_CASE("peer client: a callback may send the next request, and what it throws ends with it") {
  Cluster cluster;
  const auto server = start_server(cluster.listener_options("b"), &echo);
  const auto client = cluster.client("a");
  const auto peer = address_of("b", server->port());
  Results results;
  client->send(peer, make_request("GET", "/1"), std::chrono::steady_clock::now() + kPatience,
               [&](const Result<net::HttpResponse>&) {
                 client->send(peer, make_request("GET", "/2"),
                              std::chrono::steady_clock::now() + kPatience, results.callback());
                 throw std::runtime_error("of a callback");
               });
  CHECK(outcome(results.wait()) == "200");
}

}  // namespace coffer::test
