// Connections: TLS, limits, deadlines, stop and certificate reload.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/http/test_server.h"

namespace coffer::test {
namespace {

// Reads to the end; false when the peer sent more than an alert.
bool reads_to_end(int fd) {
  std::array<char, 256> bytes;
  ssize_t total = 0;
  ssize_t size;
  while ((size = ::recv(fd, bytes.data(), bytes.size(), 0)) > 0) total += size;
  return total < 64;
}

net::HttpServerOptions options_of(const TestServer& server) {
  net::HttpServerOptions options;
  options.port = 0;
  options.certificate_file = server.certificate.certificate_file();
  options.key_file = server.certificate.key_file();
  return options;
}

// A handler that keeps its responder until it is told to answer.
struct Held {
  std::mutex mutex;
  std::optional<net::Responder> responder;

  net::HttpHandler handler() {
    return [this](const auto&, net::Responder respond) {
      const std::lock_guard lock(mutex);
      responder = std::move(respond);
    };
  }
  bool arrived() {
    const std::lock_guard lock(mutex);
    return responder.has_value();
  }
  void answer(std::string_view text) {
    const std::lock_guard lock(mutex);
    (*responder)(text_response(text));
    responder.reset();
  }
};

}  // namespace

TEST_CASE("tls: versions 1.2 and 1.3 are accepted, 1.1 is not") {
  const TestServer server(&echo);
  TlsClientOptions options = server.client_options();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    options.version_min = options.version_max = version;
    TlsClient client(server.server->port(), options);
    REQUIRE(client.connected());
    CHECK(SSL_version(client.handle()) == version);
    REQUIRE(client.send(kGet));
    CHECK(client.read_reply().status == 200);
  }
  options.version_min = options.version_max = TLS1_1_VERSION;
  CHECK(!TlsClient(server.server->port(), options).connected());
  CHECK(eventually([&] { return server.server->counters().handshake_failures == 1; }));
}

TEST_CASE("tls: only http/1.1 is negotiated") {
  struct Row {
    std::string offered;
    bool connects;
    std::string chosen;
  };
  const std::string both = "\x02h2\x08http/1.1";
  const std::vector<Row> rows = {
      {"", true, ""}, {both, true, "http/1.1"}, {both.substr(0, 3), false, ""}};
  const TestServer server(&echo);
  for (const Row& row : rows) {
    CAPTURE(row.offered);
    TlsClientOptions options = server.client_options();
    options.protocols = row.offered;
    const TlsClient client(server.server->port(), options);
    CHECK(client.connected() == row.connects);
    if (row.connects) CHECK(client.protocol() == row.chosen);
  }
}

TEST_CASE("tls: a session is resumed, also after the certificate was reloaded") {
  TestServer server(&echo);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClientOptions options = server.client_options();
    options.version_min = options.version_max = version;
    TlsClient first(server.server->port(), options);
    REQUIRE(first.send(kGet));
    REQUIRE(first.read_reply().status == 200);  // a 1.3 ticket is read on the way
    SSL_SESSION* session = SSL_get1_session(first.handle());
    server.certificate.issue("renewed");
    REQUIRE(server.server->reload_certificate().ok());
    options.resume = session;
    const TlsClient second(server.server->port(), options);
    CHECK(second.connected());
    CHECK(SSL_session_reused(second.handle()) == 1);
    SSL_SESSION_free(session);
  }
}

TEST_CASE("tls: a reload serves the new certificate, a broken one keeps the old") {
  TestServer server(&echo);
  const auto old_connection = server.connect();
  CHECK(old_connection->peer_common_name() == "localhost");
  server.certificate.issue("renewed");
  CHECK(server.connect()->peer_common_name() == "localhost");
  REQUIRE(server.server->reload_certificate().ok());
  CHECK(server.connect()->peer_common_name() == "renewed");
  std::ofstream(server.certificate.key_file()) << "not a key";
  const auto failed = server.server->reload_certificate();
  REQUIRE(!failed.ok());
  CHECK(failed.error().code == ErrorCode::invalid_argument);
  CHECK(server.connect()->peer_common_name() == "renewed");
  REQUIRE(old_connection->send(kGet));
  CHECK(old_connection->read_reply().status == 200);
}

TEST_CASE("tls: other bytes on the port end that connection only") {
  const TestServer server(&echo);
  const int fd = connect_tcp(server.server->port());
  REQUIRE(fd >= 0);
  REQUIRE(::send(fd, kGet.data(), kGet.size(), MSG_NOSIGNAL) == ssize_t(kGet.size()));
  CHECK(reads_to_end(fd));
  ::close(fd);
  CHECK(eventually([&] { return server.server->counters().handshake_failures == 1; }));
  CHECK(eventually([&] { return server.server->counters().connections_open == 0; }));
  CHECK(server.connect()->send(kGet));
}

TEST_CASE("start: what cannot work is refused with its code") {
  const TestServer running(&echo);
  const auto code_of = [](const net::HttpServerOptions& options) {
    const auto started = net::HttpServer::start(options, &echo);
    REQUIRE(!started.ok());
    return started.error().code;
  };
  net::HttpServerOptions options = options_of(running);
  options.port = running.server->port();
  CHECK(code_of(options) == ErrorCode::unavailable);
  options = options_of(running);
  options.address = "no address";
  CHECK(code_of(options) == ErrorCode::invalid_argument);
  options.address = "192.0.2.1";  // documentation range: nobody's
  CHECK(code_of(options) == ErrorCode::invalid_argument);
  options = options_of(running);
  options.certificate_file += ".absent";
  CHECK(code_of(options) == ErrorCode::invalid_argument);
  options = options_of(running);
  const TestCertificate other;
  options.key_file = other.key_file();
  CHECK(code_of(options) == ErrorCode::invalid_argument);
}

TEST_CASE("limits: connections beyond the maximum are closed and counted, the others live") {
  net::HttpLimits limits;
  SUBCASE("in total") {
    limits.connections_max = 2;
  }
  SUBCASE("per address") {
    limits.connections_per_address_max = 2;
  }
  const TestServer server(&echo, limits);
  auto first = server.connect();
  const auto second = server.connect();
  CHECK(!TlsClient(server.server->port(), server.client_options()).connected());
  CHECK(server.server->counters().connections_refused == 1);
  CHECK(server.server->counters().connections_open == 2);
  REQUIRE(second->send(kGet));
  CHECK(second->read_reply().status == 200);
  first->close();
  REQUIRE(eventually([&] { return server.server->counters().connections_open == 1; }));
  CHECK(server.connect()->send(kGet));
}

TEST_CASE("limits: a connection is closed at its deadline") {
  net::HttpLimits limits;
  limits.handshake_seconds_max = limits.idle_seconds_max = 1;
  limits.request_seconds_max = limits.response_seconds_max = 1;
  Held held;
  const TestServer server(held.handler(), limits);
  SUBCASE("no handshake") {
    const int fd = connect_tcp(server.server->port());
    CHECK(reads_to_end(fd));
    ::close(fd);
    CHECK(eventually([&] { return server.server->counters().handshake_failures == 1; }));
  }
  SUBCASE("idle") {
    CHECK(server.connect()->closed_cleanly());
  }
  SUBCASE("slow header") {
    const auto client = server.connect();
    REQUIRE(client->send("GET / HTTP/1.1\r\nHost: a\r\nX-"));
    CHECK(client->closed_cleanly());
  }
  SUBCASE("slow body") {
    const auto client = server.connect();
    REQUIRE(client->send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"));
    CHECK(client->closed_cleanly());
  }
  SUBCASE("a byte now and then does not help") {
    const auto client = server.connect();
    // Ends by the server's close: writing to a closed connection fails after a while.
    CHECK(eventually([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      return !client->send("A");
    }));
  }
  SUBCASE("slow handler") {
    const auto client = server.connect();
    REQUIRE(client->send(kGet));
    CHECK(client->closed_cleanly());
    REQUIRE(held.arrived());
    held.answer("too late");  // dropped
  }
  SUBCASE("a client that does not read its answer") {
    // Larger than what the socket buffers take.
    const TestServer big(
        [](const auto&, const net::Responder& respond) {
          net::HttpResponse response;
          response.body = SecretBytes(std::size_t{16} * 1024 * 1024);
          respond(std::move(response));
        },
        limits);
    const auto client = big.connect();
    REQUIRE(client->send(kGet));
    CHECK(eventually([&] { return big.server->counters().requests == 1; }));
    CHECK(eventually([&] { return big.server->counters().connections_open == 0; }));
  }
  CHECK(eventually([&] { return server.server->counters().connections_open == 0; }));
}

TEST_CASE("stop: a running request is finished, idle connections close, new ones are refused") {
  Held held;
  TestServer server(held.handler(), {}, 1);  // one thread: it drains both at the same moment
  const auto idle = server.connect();
  const auto busy = server.connect();
  REQUIRE(busy->send(kGet));
  REQUIRE(eventually([&] { return held.arrived(); }));
  auto stopping = std::async(std::launch::async, [&] { server.server->stop(60); });
  CHECK(idle->closed_cleanly());
  CHECK(connect_tcp(server.server->port()) < 0);
  CHECK(stopping.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  held.answer("done");
  const Reply reply = busy->read_reply();
  CHECK(reply.body == "done");
  CHECK(reply.field("Connection") == "close");
  CHECK(busy->closed_cleanly());
  stopping.wait();
  CHECK(server.server->counters().connections_open == 0);
}

TEST_CASE("stop: what does not finish in time is cut off, late answers are dropped") {
  Held held;
  TestServer server(held.handler());
  const auto client = server.connect();
  REQUIRE(client->send(kGet));
  REQUIRE(eventually([&] { return held.arrived(); }));
  SUBCASE("after the drain") {
    server.server->stop(1);
  }
  SUBCASE("at once") {
    server.server->stop(0);
  }
  CHECK(server.server->counters().connections_open == 0);
  CHECK(client->read_reply().status == 0);
  held.answer("too late");
  server.server->stop(1);  // again: nothing
  server.server->post(0, [] {});
  server.server.reset();
}

TEST_CASE("stop: a responder may outlive the server") {
  Held held;
  {
    const TestServer server(held.handler());
    const auto client = server.connect();
    REQUIRE(client->send(kGet));
    REQUIRE(eventually([&] { return held.arrived(); }));
  }
  held.answer("to nobody");
}

TEST_CASE("stop: under load from several threads nothing is lost or left") {
  TestServer server([](const auto& got, const net::Responder& respond) {
    if (got->target == "/now") return echo(got, respond);
    std::thread([got, respond] { echo(got, respond); }).detach();
  });
  std::atomic<int> answered{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, target = i % 2 == 0 ? "/now" : "/later"] {
      TlsClient client(server.server->port(), server.client_options());
      const std::string request = std::string("GET ") + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
      while (client.send(request) && client.read_reply().status == 200) answered.fetch_add(1);
    });
  }
  CHECK(eventually([&] { return answered.load() > 400; }));
  server.server->stop(30);
  for (auto& client : clients) client.join();
  CHECK(server.server->counters().connections_open == 0);
}

}  // namespace coffer::test
