// Whole nodes: clients ask one, another one answers, and the clients see no difference.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <thread>

#include "net/cluster/request_router.h"
#include "tests/cluster/cluster_fixture.h"

namespace coffer::test {
namespace {

using namespace std::chrono_literals;

// One node with both listeners, and a thread that looks after what waits.
struct Node {
  Node(Cluster& cluster, const std::string& id, std::chrono::milliseconds wait,
       net::ForwardVersions versions = net::kForwardVersions)
      : client(cluster.client(id)) {
    net::RouterOptions options;
    options.forward_versions = versions;
    options.node = id;
    options.wait = wait;
    router = std::make_unique<net::RequestRouter>(options, *client, book, nullptr);
    net::HttpServerOptions inner = cluster.listener_options(id);
    peers = start_server(inner, [this](auto request, auto respond) {
      router->on_peer_request(std::move(request), std::move(respond));
    });
    inner.require_client_certificate = false;
    clients = start_server(inner, [this](auto request, auto respond) {
      router->on_client_request(std::move(request), std::move(respond));
    });
    retrying = std::thread([this] {
      while (!stopping) {
        router->retry_waiting();
        std::this_thread::sleep_for(2ms);
      }
    });
  }
  ~Node() {
    stopping = true;
    retrying.join();
    router->give_up_waiting();
    clients->stop(0);
    peers->stop(0);
    client->stop();
  }

  net::AddressBook book;
  std::unique_ptr<net::PeerClient> client;
  std::unique_ptr<net::RequestRouter> router;
  std::unique_ptr<net::HttpServer> peers;
  std::unique_ptr<net::HttpServer> clients;
  std::atomic<bool> stopping = false;
  std::thread retrying;
};

void describe(const std::shared_ptr<net::HttpRequest>& request, const net::Responder& respond) {
  std::string text = request->method + " " + request->target + " from " + request->peer_address +
                     " [" + request->peer_identity + "]\n";
  for (const auto& [name, value] : request->headers) text += name + ": " + value + "\n";
  text += request->body.expose_text();
  respond(text_response(text));
}

// Node b is the active one, and a knows it.
struct TwoNodes {
  explicit TwoNodes(const net::HttpHandler& local = &describe,
                    std::chrono::milliseconds wait = 200ms,
                    net::ForwardVersions of_a = net::kForwardVersions,
                    net::ForwardVersions of_b = net::kForwardVersions)
      : handler(std::make_shared<const net::HttpHandler>(local)),
        a(cluster, "a", wait, of_a),
        b(cluster, "b", wait, of_b) {
    know({address_of("a", a.peers->port()), address_of("b", b.peers->port())});
    a.router->set_owner("b");
    b.router->set_active(handler);
  }
  void know(const std::vector<net::PeerAddress>& nodes) {
    REQUIRE(a.book.replace(nodes).ok());
    REQUIRE(b.book.replace(nodes).ok());
  }
  [[nodiscard]] TlsClientOptions client_options() const {
    TlsClientOptions options;
    options.authority_file = cluster.authority.authority_file();
    return options;
  }
  [[nodiscard]] TlsClientOptions client_options(const CertificateFiles& files) const {
    TlsClientOptions options = client_options();
    options.certificate_file = files.certificate;
    options.key_file = files.key;
    return options;
  }

  Cluster cluster;
  net::LocalHandler handler;
  Node a;
  Node b;
};

Reply ask(const net::HttpServer& server, const TlsClientOptions& options, std::string_view request,
          bool head = false) {
  TlsClient client(server.port(), options);
  REQUIRE(client.connected());
  REQUIRE(client.send(request));
  return client.read_reply(head);
}

constexpr std::string_view kUnknownOwner =
    R"({"errors":["the owner of the tenant's partition is not known yet; try again"]})";

}  // namespace

TEST_CASE("router: an answer through another node is the owner's, byte for byte") {
  const TwoNodes nodes([](const auto& got, const net::Responder& respond) {
    net::HttpResponse response;
    response.body = SecretBytes(got->method + std::string(got->body.expose_text()));
    response.headers = {{"X-Vault-Index", "7"}, {"Set-Cookie", "a=b"}, {"Set-Cookie", "c=d"}};
    if (got->target == "/b/none") response.status = 204;
    if (got->target == "/b/plain") response.content_type = "text/plain; charset=utf-8";
    if (got->target == "/b/absent") {
      response = net::HttpResponse{};
      response.status = 404;
    }
    if (got->target == "/b/later") {
      response.status = 503;
      response.headers.emplace_back("Retry-After", "1");
    }
    respond(std::move(response));
  });
  for (const std::string method :
       {"GET", "LIST", "SCAN", "HEAD", "POST", "PUT", "PATCH", "DELETE"}) {
    for (const std::string target : {"/b/x", "/b/none", "/b/plain", "/b/absent", "/b/later"}) {
      CAPTURE(method);
      CAPTURE(target);
      const std::string request =
          method + " " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
      const bool head = method == "HEAD";
      const Reply direct = ask(*nodes.b.clients, nodes.client_options(), request, head);
      const Reply forwarded = ask(*nodes.a.clients, nodes.client_options(), request, head);
      CHECK(forwarded.header == direct.header);
      CHECK(forwarded.body == direct.body);
    }
  }
  CHECK(nodes.b.peers->counters().requests == 40);
  CHECK(nodes.a.client->counters().connections_opened == 1);
}

TEST_CASE("router: the owner sees the client's request, address and certificate") {
  TwoNodes nodes;
  const auto files = nodes.cluster.authority.issue_as("client-7", "URI:spiffe://app/client-7");
  const std::string request =
      "POST /b/x HTTP/1.1\r\nHost: tenant.vault\r\nX-Request-Id: r1\r\nTraceparent: 00-1-2-01\r\n"
      "Connection: x-mine\r\nX-Mine: 1\r\nX-Vault-Token: t\r\nContent-Length: 4\r\n\r\nbody";
  const std::string headers =
      "host: tenant.vault\nx-request-id: r1\ntraceparent: 00-1-2-01\nx-vault-token: t\n"
      "content-length: 4\nbody";
  const Reply plain = ask(*nodes.a.clients, nodes.client_options(), request);
  CHECK(plain.body == "POST /b/x from 127.0.0.1 []\n" + headers);
  const Reply named = ask(*nodes.a.clients, nodes.client_options(files), request);
  CHECK(named.body == "POST /b/x from 127.0.0.1 [spiffe://app/client-7]\n" + headers);
}

TEST_CASE("router: a chunked body arrives with its length, HTTP/1.0 with a Host") {
  TwoNodes nodes;
  const Reply chunked = ask(
      *nodes.a.clients, nodes.client_options(),
      "POST /b/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
  CHECK(chunked.body == "POST /b/x from 127.0.0.1 []\nhost: h\ncontent-length: 4\nbody");
  const Reply old = ask(*nodes.a.clients, nodes.client_options(), "GET /b/x HTTP/1.0\r\n\r\n");
  CHECK(old.body == "GET /b/x from 127.0.0.1 []\nhost: 127.0.0.1\n");
}

TEST_CASE("router: what a client says about forwarding is not believed") {
  TwoNodes nodes;
  const std::string spoofed =
      " HTTP/1.1\r\nHost: h\r\nX-Coffer-Forwarded-By: b\r\nX-Coffer-Client-Address: 10.9.9.9\r\n"
      "X-Coffer-Client-Identity: root\r\nX-Coffer-Forward-Protocol: 1\r\n\r\n";
  for (const auto* node : {&nodes.a, &nodes.b}) {
    const Reply reply = ask(*node->clients, nodes.client_options(), "GET /x" + spoofed);
    CHECK(reply.body == "GET /x from 127.0.0.1 []\nhost: h\n");
  }
  // Nor on the public listener with a node's own certificate.
  const auto files = nodes.cluster.node("a");
  const Reply reply = ask(*nodes.b.clients, nodes.client_options(files), "GET /x" + spoofed);
  CHECK(reply.body == "GET /x from 127.0.0.1 [a]\nhost: h\n");
}

TEST_CASE("router: a forwarded request is never forwarded again") {
  TwoNodes nodes;
  nodes.b.router->set_active(nullptr);
  nodes.b.router->set_owner("a");
  const Reply reply = ask(*nodes.a.clients, nodes.client_options(),
                          "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  CHECK(reply.status == 503);
  CHECK(reply.body == kUnknownOwner);
  CHECK(nodes.b.peers->counters().requests >= 1);
  CHECK(nodes.a.peers->counters().requests == 0);
}

TEST_CASE("router: an owner that is unknown, not in the book, this node or not there") {
  TwoNodes nodes;
  nodes.b.peers->stop(0);
  for (const std::string owner : {"", "c", "a", "b"}) {
    CAPTURE(owner);
    nodes.a.router->set_owner(owner);
    const Reply reply =
        ask(*nodes.a.clients, nodes.client_options(), "POST /x HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(reply.status == 503);
    CHECK(reply.field("Retry-After") == "1");
    CHECK(reply.field("Content-Type") == "application/json");
    CHECK(reply.body == kUnknownOwner);
  }
  CHECK(nodes.a.peers->counters().requests == 0);
}

TEST_CASE("router: two releases speak the latest version that both know, and lose no request") {
  struct Row {
    net::ForwardVersions a, b;
    int status;
    std::uint64_t refused;  // of the requests that b got
  };
  constexpr Row kRows[] = {
      {{1, 2}, {1, 2}, 200, 0}, {{1, 1}, {1, 2}, 200, 0}, {{1, 2}, {1, 1}, 200, 1},
      {{1, 5}, {1, 2}, 200, 1}, {{2, 2}, {1, 1}, 503, 3},
  };
  for (const auto& row : kRows) {
    CAPTURE(row.a.latest);
    CAPTURE(row.b.latest);
    TwoNodes nodes(&describe, 60s, row.a, row.b);
    for (int i = 0; i < 3; ++i) {
      const Reply reply = ask(*nodes.a.clients, nodes.client_options(),
                              "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
      CHECK(reply.status == row.status);
      if (row.status != 200) continue;
      CHECK(reply.body.starts_with("POST /x from 127.0.0.1 []\nhost: h\n"));
      CHECK(reply.body.ends_with("body"));
    }
    CHECK(nodes.b.peers->counters().requests == 3 + (row.status == 200 ? row.refused : 0));
  }
}

TEST_CASE("router: a request waits for the next owner, here or at a peer") {
  TwoNodes nodes(&describe, 60s);
  const std::string request = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody";
  // Framing is the hop's own: after an attempt to forward, the request is without its length
  // header.
  const std::string head = "POST /x from 127.0.0.1 []\nhost: h\n";
  for (const bool here : {false, true}) {
    CAPTURE(here);
    nodes.b.router->set_active(nullptr);
    nodes.a.router->set_owner("b");
    const auto asked = nodes.b.peers->counters().requests;
    TlsClient client(nodes.a.clients->port(), nodes.client_options());
    REQUIRE(client.send(request));
    // It has been refused by a node that is not the owner any more.
    REQUIRE(eventually([&] { return nodes.b.peers->counters().requests > asked; }));
    if (here)
      nodes.a.router->set_active(nodes.handler);
    else
      nodes.b.router->set_active(nodes.handler);
    const Reply reply = client.read_reply();
    CHECK(reply.status == 200);
    CHECK(reply.body == head + (here ? "body" : "content-length: 4\nbody"));
  }
}

TEST_CASE("router: requests under way hold the handler") {
  Held held;
  TwoNodes nodes(held.handler());
  TlsClient client(nodes.a.clients->port(), nodes.client_options());
  REQUIRE(client.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n"));
  REQUIRE(eventually([&] { return held.count() == 1; }));
  nodes.b.router->set_active(nullptr);
  CHECK(nodes.handler.use_count() == 2);
}

TEST_CASE("router: an owner that dies with the request leaves the outcome unknown") {
  Held held;
  TwoNodes nodes(held.handler());
  const std::array<std::string, 2> methods = {"POST", "GET"};
  std::array<Reply, 2> replies;
  for (std::size_t i = 0; i < methods.size(); ++i) {
    TlsClient client(nodes.a.clients->port(), nodes.client_options());
    REQUIRE(client.send(methods[i] + " /b/x HTTP/1.1\r\nHost: h\r\n\r\n"));
    REQUIRE(eventually([&] { return held.count() == i + 1; }));
    if (i == 0) {
      auto options = nodes.cluster.listener_options("b");
      options.port = nodes.b.peers->port();
      nodes.b.peers->stop(0);
      nodes.b.peers = start_server(options, held.handler());
    } else {
      nodes.b.peers->stop(0);
    }
    replies[i] = client.read_reply();
  }
  CHECK(replies[0].status == 500);
  CHECK(replies[0].body ==
        R"({"errors":["internal error: whether the change was stored is not known"]})");
  CHECK(!replies[0].has("Retry-After"));
  CHECK(replies[1].status == 503);
  CHECK(replies[1].body == kUnknownOwner);
}

TEST_CASE("router: the active node hears whose client it serves, and a client cannot say") {
  std::vector<std::string> asked;
  TwoNodes nodes([&](const auto& request, const auto& respond) {
    asked.push_back(request->forwarded_by);
    respond(text_response("done"));
  });
  const std::string request = "GET /x HTTP/1.1\r\nHost: h\r\nX-Coffer-Forwarded-By: z\r\n\r\n";
  for (auto* node : {&nodes.a, &nodes.b}) {
    TlsClient client(node->clients->port(), nodes.client_options());
    REQUIRE(client.send(request));
    CHECK(client.read_reply().status == 200);
  }
  CHECK(asked == std::vector<std::string>{"a", ""});
}

TEST_CASE("router: a node's echo reaches the other node, a client's does not") {
  std::vector<std::string> heard;
  Cluster cluster;
  const auto client = cluster.client("b");
  net::AddressBook book;
  net::RequestRouter router({}, *client, book, nullptr,
                            [&](const std::string& node, std::string_view text) {
                              heard.push_back(node + ": " + std::string(text));
                            });
  REQUIRE(book.replace({address_of("a", 1), address_of("b", 2)}).ok());
  auto echo = net::echo_request("a", "standby 7");
  echo->peer_identity = "a";
  int status = 0;
  const auto note = [&](const net::HttpResponse& response) { status = response.status; };
  router.on_peer_request(echo, note);
  CHECK(status == 204);
  CHECK(heard == std::vector<std::string>{"a: standby 7"});
  auto forged = net::echo_request("a", "standby 9");
  net::prepare_forwarded(*forged, "a");  // as a node that forwards it for a client
  forged->peer_identity = "a";
  router.on_peer_request(forged, note);
  CHECK(status == 503);
  CHECK(heard.size() == 1);
}

TEST_CASE("peer listener: strangers, clients and other protocols are refused") {
  TwoNodes nodes;
  const auto node_a = nodes.cluster.node("a");
  const auto outsider = nodes.cluster.node("outsider");  // of the authority, not in the book
  const std::string start = "GET /b/x HTTP/1.1\r\nHost: h\r\n";
  const std::string by_a = "X-Coffer-Forwarded-By: a\r\nX-Coffer-Client-Address: 192.0.2.1\r\n";
  struct Row {
    std::string what;
    CertificateFiles files;
    std::string headers;
    std::string text;  // "" = accepted
  };
  const std::vector<Row> rows = {
      {"a node", node_a, by_a + "X-Coffer-Forward-Protocol: 1\r\n", ""},
      {"an outsider", outsider, by_a + "X-Coffer-Forward-Protocol: 1\r\n",
       "the certificate belongs to no node of this cluster"},
      {"another version", node_a, by_a + "X-Coffer-Forward-Protocol: 2\r\n",
       "forwarding protocol 2 is not supported, this node speaks 1"},
      {"a client with a node's certificate", node_a, "",
       "this listener takes forwarded requests only"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Reply reply =
        ask(*nodes.b.peers, nodes.client_options(row.files), start + row.headers + "\r\n");
    if (row.text.empty()) {
      CHECK(reply.status == 200);
      continue;
    }
    CHECK(reply.status == 503);
    CHECK(reply.field("x-coffer-forward-protocol") == "1");
    CHECK(reply.body == "{\"errors\":[\"" + row.text + "\"]}");
  }
  TlsClient nameless(nodes.b.peers->port(), nodes.client_options());
  CHECK((!nameless.connected() || !nameless.send(start + "\r\n") ||
         nameless.read_reply().status == 0));
}

}  // namespace coffer::test
