// Peers that break the protocol or die in the middle of it, and what a caller may conclude.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <mutex>

#include "tests/cluster/cluster_fixture.h"
#include "tests/cluster/raw_peer.h"

namespace coffer::test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct RawCluster : Cluster {
  [[nodiscard]] RawPeerOptions raw_options() { return {node("b"), authority.authority_file(), 1}; }
};

}  // namespace

TEST_CASE("peer dies before an answer: a write is unknown, a read is repeated once") {
  RawCluster cluster;
  int answers_from = 0;
  std::string read_outcome;
  int connections = 0;
  SUBCASE("the second connection answers") {
    answers_from = 2;
    read_outcome = "200";
    connections = 2;
  }
  SUBCASE("the third would") {
    answers_from = 3;
    read_outcome = "unavailable";
    connections = 2;
  }
  for (const std::string method :
       {"GET", "HEAD", "LIST", "SCAN", "POST", "PUT", "PATCH", "DELETE"}) {
    CAPTURE(method);
    RawPeer peer(cluster.raw_options(), [&](RawConnection& connection) {
      const std::string request = connection.read_request();
      if (connection.number() >= answers_from) {
        connection.send(request.starts_with("HEAD") ? kOk.substr(0, kOk.size() - 2) : kOk);
        connection.wait_for_end();
      }
    });
    const auto client = cluster.client("a");
    const bool is_read =
        method == "GET" || method == "HEAD" || method == "LIST" || method == "SCAN";
    const auto result = call(*client, address_of("b", peer.port()), make_request(method, "/", "x"));
    CHECK(outcome(result) == (is_read ? read_outcome : "unknown_outcome"));
    CHECK(peer.requests() == (is_read ? connections : 1));
    CHECK(peer.connections() == (is_read ? connections : 1));
  }
}

TEST_CASE("peer dies in the middle of its answer: nothing is repeated") {
  const std::vector<std::string_view> parts = {"H", "HTTP/1.1 200 OK\r\nContent-Le",
                                               kOk.substr(0, kOk.size() - 1)};
  RawCluster cluster;
  for (const std::string_view part : parts) {
    CAPTURE(part);
    RawPeer peer(cluster.raw_options(), [&](RawConnection& connection) {
      connection.read_request();
      connection.send(part);
    });
    const auto client = cluster.client("a");
    const auto address = address_of("b", peer.port());
    CHECK(outcome(call(*client, address, make_request("POST", "/"))) == "unknown_outcome");
    CHECK(peer.connections() == 1);
    CHECK(outcome(call(*client, address, make_request("GET", "/"))) == "unavailable");
    CHECK(peer.connections() == 2);
    CHECK(peer.requests() == 2);
  }
}

TEST_CASE("pooled connection found closed: also a write goes to a fresh one") {
  RawCluster cluster;
  RawPeer peer(cluster.raw_options(), [&](RawConnection& connection) {
    connection.read_request();
    connection.send(kOk);
  });
  const auto client = cluster.client("a");
  const auto address = address_of("b", peer.port());
  for (int i = 1; i <= 5; ++i) {
    CHECK(outcome(call(*client, address, make_request("POST", "/", "x"))) == "200");
    REQUIRE(eventually([&] { return client->counters().connections_open == 0; }));
  }
  CHECK(peer.connections() == 5);
  CHECK(peer.requests() == 5);
}

TEST_CASE("connections that close at any moment: no write arrives twice, none is lost silently") {
  RawCluster cluster;
  std::mutex mutex;
  std::map<std::string, int> arrived;
  RawPeer peer(cluster.raw_options(), [&](RawConnection& connection) {
    for (int left = connection.number() % 4; left >= 0; --left) {
      const std::string request = connection.read_request();
      if (request.empty()) return;
      {
        const std::lock_guard lock(mutex);
        ++arrived[request.substr(0, request.find(' ', 5))];
      }
      // Every fifth connection ends without its last answer.
      if (left == 0 && connection.number() % 5 == 0) return;
      connection.send(kOk);
    }
  });
  net::PeerLimits limits;
  limits.connections_max = 4;
  const auto client = cluster.client("a", limits);
  constexpr int kRequests = 400;
  std::vector<Results> results(kRequests);
  for (int i = 0; i < kRequests; ++i) {
    client->send(address_of("b", peer.port()), make_request("POST", "/" + std::to_string(i)),
                 std::chrono::steady_clock::now() + kPatience, results[i].callback());
  }
  int stored = 0;
  for (int i = 0; i < kRequests; ++i) {
    const std::string result = outcome(results[i].wait());
    const std::lock_guard lock(mutex);
    const int count = arrived["POST /" + std::to_string(i)];
    CHECK(count <= 1);
    CHECK((result == "200" || result == "unknown_outcome" || result == "unavailable"));
    if (result == "200") CHECK(count == 1);
    if (result == "unavailable") CHECK(count == 0);
    stored += result == "200" ? 1 : 0;
  }
  CHECK(stored > 0);
}

TEST_CASE("a connection that the peer keeps but speaks on out of turn is not used") {
  RawCluster cluster;
  RawPeer peer(cluster.raw_options(), [&](RawConnection& connection) {
    connection.read_request();
    connection.send(kOk);
    if (connection.number() == 1) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
    }
    connection.wait_for_end();
  });
  const auto client = cluster.client("a");
  const auto address = address_of("b", peer.port());
  CHECK(outcome(call(*client, address, make_request("POST", "/"))) == "200");
  REQUIRE(eventually([&] { return client->counters().connections_open == 0; }));
  const auto second = call(*client, address, make_request("POST", "/"));
  REQUIRE(second.ok());
  CHECK(second.value().body.expose_text() == "ok");
  CHECK(peer.connections() == 2);
}

TEST_CASE("malformed answers") {
  const std::vector<std::string_view> answers = {
      "SSH-2.0-x\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\nno length",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 700 OK\r\nContent-Length: 2\r\n\r\nok",
  };
  RawCluster cluster;
  for (const std::string_view answer : answers) {
    CAPTURE(answer);
    RawPeer peer(cluster.raw_options(), [&](RawConnection& connection) {
      connection.read_request();
      connection.send(answer);
      connection.wait_for_end();
    });
    const auto client = cluster.client("a");
    const auto address = address_of("b", peer.port());
    CHECK(outcome(call(*client, address, make_request("GET", "/"))) == "internal");
    CHECK(outcome(call(*client, address, make_request("POST", "/"))) == "unknown_outcome");
    CHECK(peer.requests() == 2);
  }
}

TEST_CASE("an answer that closes the connection, or comes with more than itself, ends it") {
  RawCluster cluster;
  std::string answer;
  SUBCASE("close") {
    answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
  }
  SUBCASE("1.0") {
    answer = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
  }
  SUBCASE("more") {
    answer.append(kOk).append(kOk);
  }
  RawPeer peer(cluster.raw_options(), [&](RawConnection& connection) {
    connection.read_request();
    connection.send(answer);
    connection.wait_for_end();
  });
  const auto client = cluster.client("a");
  const auto address = address_of("b", peer.port());
  for (int i = 1; i <= 3; ++i) {
    CHECK(outcome(call(*client, address, make_request("POST", "/"))) == "200");
    CHECK(peer.connections() == i);
  }
}

TEST_CASE("an answer before the request is written as a whole counts, its connection does not") {
  RawCluster cluster;
  RawPeer peer(cluster.raw_options(), [&](RawConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n");
    connection.wait_for_end();
  });
  const auto client = cluster.client("a");
  const auto address = address_of("b", peer.port());
  const std::string body(std::size_t{30} * 1024 * 1024, 'x');
  CHECK(outcome(call(*client, address, make_request("POST", "/", body))) == "413");
  CHECK(client->counters().requests_under_way == 0);
}

TEST_CASE("a peer that does not confirm our certificate gets no request") {
  RawCluster cluster;
  RawPeerOptions options = cluster.raw_options();
  options.tickets = 0;
  RawPeer peer(options, [](RawConnection& connection) { connection.read_request(); });
  net::PeerLimits limits;
  limits.connect_max = 1s;
  const auto client = cluster.client("a", limits);
  CHECK(outcome(call(*client, address_of("b", peer.port()), make_request("POST", "/"))) ==
        "unavailable");
  CHECK(eventually([&] { return peer.ended() == 1; }));
  CHECK(peer.requests() == 0);
}

TEST_CASE("a peer that takes the connection and says nothing, or is not there at all") {
  RawCluster cluster;
  net::PeerLimits limits;
  limits.connect_max = 200ms;
  const auto client = cluster.client("a", limits);
  // Never accepted from: the kernel takes the connection.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in bound{};
  bound.sin_family = AF_INET;
  bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof bound;
  auto* const raw = reinterpret_cast<sockaddr*>(&bound);
  REQUIRE(::bind(listener, raw, size) == 0);
  REQUIRE(::listen(listener, 8) == 0);
  REQUIRE(::getsockname(listener, raw, &size) == 0);
  net::PeerAddress peer = address_of("b", ntohs(bound.sin_port));
  CHECK(outcome(call(*client, peer, make_request("POST", "/"))) == "unavailable");
  ::close(listener);
  CHECK(outcome(call(*client, peer, make_request("POST", "/"))) == "unavailable");
  peer.host = "no-such-host.invalid";
  CHECK(outcome(call(*client, peer, make_request("POST", "/"))) == "unavailable");
}

}  // namespace coffer::test
