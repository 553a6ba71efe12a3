// What a client sees of answers: headers, keep-alive, pipelining, and handlers that misbehave.
#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/http/test_server.h"

namespace coffer::test {
namespace {

constexpr std::string_view kInternalError = R"({"errors":["internal error"]})";

net::HttpHandler always(int status, std::string_view body) {
  return [status, text = std::string(body)](const auto&, const net::Responder& respond) {
    net::HttpResponse response;
    response.status = status;
    response.body = SecretBytes(text);
    respond(std::move(response));
  };
}

Reply ask(const TestServer& server, std::string_view request, bool head = false) {
  const auto client = server.connect();
  CHECK(client->send(request));
  return client->read_reply(head);
}

}  // namespace

TEST_CASE("http: fixed headers are on every answer, the content type only with a body") {
  struct Row {
    int status;
    std::string body;
    std::string length;  // "-" = absent
    std::string type;
  };
  const std::vector<Row> rows = {
      {200, "{}", "2", "application/json"},
      {204, "", "-", "-"},
      {204, "ignored", "-", "-"},
      {304, "", "-", "-"},
      {404, "", "0", "-"},
      {473, "{}", "2", "application/json"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    const TestServer server(always(row.status, row.body));
    const auto client = server.connect();
    // Two: a wrong length of the first would show in the second.
    REQUIRE(client->send(std::string(kGet) + std::string(kGet)));
    for (int i = 0; i < 2; ++i) {
      const Reply reply = client->read_reply();
      CHECK(reply.status == row.status);
      CHECK((reply.has("Content-Length") ? reply.field("Content-Length") : "-") == row.length);
      CHECK((reply.has("Content-Type") ? reply.field("Content-Type") : "-") == row.type);
      CHECK(reply.field("Cache-Control") == "no-store");
      CHECK(reply.field("Strict-Transport-Security") == "max-age=31536000; includeSubDomains");
      CHECK(!reply.has("Connection"));
    }
  }
}

TEST_CASE("http: HEAD has the length of the body but not the body") {
  const TestServer server(always(200, "12345"));
  const auto client = server.connect();
  REQUIRE(client->send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGet)));
  const Reply head = client->read_reply(true);
  CHECK(head.status == 200);
  CHECK(head.field("Content-Length") == "5");
  CHECK(client->read_reply().body == "12345");
}

TEST_CASE("http: keep-alive follows version, Connection header and the handler") {
  struct Row {
    const char* request;
    bool stays_open;
    const char* connection;
  };
  const std::vector<Row> rows = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, ""},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "close"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", true, ""},
      {"GET / HTTP/1.0\r\n\r\n", false, "close"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "keep-alive"},
      {"GET /close HTTP/1.1\r\nHost: a\r\n\r\n", false, "close"},
  };
  const TestServer server([](const auto& got, const net::Responder& respond) {
    net::HttpResponse response = text_response("x");
    response.close = got->target == "/close";
    respond(std::move(response));
  });
  for (const Row& row : rows) {
    CAPTURE(row.request);
    const auto client = server.connect();
    REQUIRE(client->send(row.request));
    const Reply reply = client->read_reply();
    CHECK(reply.status == 200);
    CHECK(reply.field("Connection") == row.connection);
    if (row.stays_open) {
      REQUIRE(client->send(row.request));
      CHECK(client->read_reply().status == 200);
    } else {
      CHECK(client->closed_cleanly());
    }
  }
}

TEST_CASE("http: pipelined requests are answered in order, one at a time") {
  std::atomic<int> running{0};
  std::atomic<bool> overlapped{false};
  const TestServer server([&](const auto& got, const net::Responder& respond) {
    if (running.fetch_add(1) != 0) overlapped = true;
    std::thread([&running, got, respond] {
      net::HttpResponse response = text_response(got->target);
      running.fetch_sub(1);
      respond(std::move(response));
    }).detach();
  });
  const auto client = server.connect();
  std::string requests;
  for (int i = 0; i < 200; ++i) {
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  REQUIRE(client->send(requests));
  for (int i = 0; i < 200; ++i) REQUIRE(client->read_reply().body == "/" + std::to_string(i));
  CHECK(!overlapped);
}

TEST_CASE("http: the handler's own headers are sent, the server's are not doubled") {
  const TestServer server([](const auto&, const net::Responder& respond) {
    net::HttpResponse response = text_response("x");
    response.headers = {{"X-Vault-Namespace", "a/b"},
                        {"Content-Length", "99"},
                        {"cache-control", "public"},
                        {"Transfer-Encoding", "chunked"}};
    respond(std::move(response));
  });
  const Reply reply = ask(server, kGet);
  CHECK(reply.field("X-Vault-Namespace") == "a/b");
  CHECK(reply.field("Content-Length") == "1");
  CHECK(reply.field("Cache-Control") == "no-store");
  CHECK(!reply.has("cache-control"));
  CHECK(!reply.has("Transfer-Encoding"));
}

TEST_CASE("http: an answer that would break the framing becomes a 500") {
  const std::vector<std::pair<std::string, std::string>> bad_headers = {
      {"X-A", "b\r\nSet-Cookie: x"},
      {"X-A", "b\n"},
      {"X-A", std::string("\0", 1)},
      {"X-A", "\x7f"},
      {"X-A\r\nX-B", "value"},
      {"X A", "value"},
      {"", "value"},
  };
  for (const auto& header : bad_headers) {
    CAPTURE(header.first);
    const TestServer server([&](const auto&, const net::Responder& respond) {
      net::HttpResponse response = text_response("secret");
      response.headers.push_back(header);
      respond(std::move(response));
    });
    const Reply reply = ask(server, kGet);
    CHECK(reply.status == 500);
    CHECK(reply.body == kInternalError);
    CHECK(!reply.has("X-A"));
  }
  CHECK(ask(TestServer(always(99, "x")), kGet).status == 500);
  CHECK(ask(TestServer(always(100, "x")), kGet).status == 500);
  CHECK(ask(TestServer(always(1000, "x")), kGet).status == 500);
}

TEST_CASE("http: a responder that is never called answers 500") {
  SUBCASE("dropped in the handler") {
    const TestServer server([](const auto&, const net::Responder&) {});
    const Reply reply = ask(server, kGet);
    CHECK(reply.status == 500);
    CHECK(reply.body == kInternalError);
    CHECK(!reply.has("Connection"));
  }
  SUBCASE("dropped on another thread") {
    const TestServer server([](const auto&, net::Responder respond) {
      std::thread([dropped = std::move(respond)] {}).detach();
    });
    CHECK(ask(server, kGet).body == kInternalError);
  }
  SUBCASE("the handler throws") {
    const TestServer server(
        [](const auto&, const net::Responder&) { throw std::runtime_error("x"); });
    CHECK(ask(server, kGet).body == kInternalError);
  }
  SUBCASE("the handler throws after it has answered") {
    const TestServer server([](const auto& got, const net::Responder& respond) {
      echo(got, respond);
      throw std::runtime_error("x");
    });
    const auto client = server.connect();
    REQUIRE(client->send(std::string(kGet) + std::string(kGet)));
    CHECK(client->read_reply().body == "GET /x ");
    CHECK(client->read_reply().body == "GET /x ");
  }
}

TEST_CASE("http: only the first of several answers counts") {
  const TestServer server([](const auto&, const net::Responder& respond) {
    respond(text_response("first"));
    respond(text_response("second"));
  });
  const auto client = server.connect();
  REQUIRE(client->send(std::string(kGet) + std::string(kGet)));
  CHECK(client->read_reply().body == "first");
  CHECK(client->read_reply().body == "first");
}

TEST_CASE("http: answers given in bursts from another thread reach their own requests") {
  std::mutex mutex;
  std::vector<std::pair<std::string, net::Responder>> waiting;
  constexpr std::size_t kClients = 40;
  const TestServer server([&](const auto& got, net::Responder respond) {
    const std::lock_guard lock(mutex);
    waiting.emplace_back(got->target, std::move(respond));
  });
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (std::size_t i = 0; i < kClients; ++i) clients.push_back(server.connect());
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < kClients; ++i) {
      REQUIRE(clients[i]->send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    REQUIRE(eventually([&] {
      const std::lock_guard lock(mutex);
      return waiting.size() == kClients;
    }));
    for (auto& [target, respond] : waiting) respond(text_response(target));
    waiting.clear();
    for (std::size_t i = 0; i < kClients; ++i) {
      REQUIRE(clients[i]->read_reply().body == "/" + std::to_string(i));
    }
  }
  CHECK(server.server->counters().requests == 5 * kClients);
}

TEST_CASE("http: a posted task runs on the io thread that was named") {
  std::mutex mutex;
  std::vector<std::thread::id> handler_threads(2);
  const TestServer server([&](const auto& got, const net::Responder& respond) {
    {
      const std::lock_guard lock(mutex);
      handler_threads[got->thread] = std::this_thread::get_id();
    }
    echo(got, respond);
  });
  const auto first = server.connect();
  const auto second = server.connect();  // dealt in turn: the other thread
  for (const auto* client : {first.get(), second.get()}) {
    REQUIRE(const_cast<TlsClient*>(client)->send(kGet));
    REQUIRE(const_cast<TlsClient*>(client)->read_reply().status == 200);
  }
  CHECK(handler_threads[0] != handler_threads[1]);
  for (unsigned i = 0; i < 2; ++i) {
    std::atomic<bool> done{false};
    server.server->post(i, [] { throw std::runtime_error("ends alone"); });
    server.server->post(i, [&] {
      CHECK(std::this_thread::get_id() == handler_threads[i]);
      done = true;
    });
    CHECK(eventually([&] { return done.load(); }));
  }
}

}  // namespace coffer::test
