// Mutual TLS of a listener: who gets in, under which name, and that a reload covers it.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/http/test_server.h"

namespace coffer::test {
namespace {

void name_peer(const std::shared_ptr<net::HttpRequest>& request, const net::Responder& respond) {
  respond(text_response("[" + request->peer_identity + "]"));
}

// A listener for clients of `authority`; its own certificate is of another one.
struct MutualServer {
  explicit MutualServer(bool require) {
    options.port = 0;
    options.certificate_file = own.certificate_file();
    options.key_file = own.key_file();
    options.client_ca_file = authority.authority_file();
    options.require_client_certificate = require;
    auto started = net::HttpServer::start(options, &name_peer);
    REQUIRE(started.ok());
    server = std::move(started).value();
  }

  [[nodiscard]] TlsClientOptions client_options(const CertificateFiles& files) const {
    TlsClientOptions client;
    client.authority_file = own.authority_file();
    client.certificate_file = files.certificate;
    client.key_file = files.key;
    return client;
  }

  // The answer to one request; "" when the server refused the connection.
  [[nodiscard]] std::string ask(const TlsClientOptions& client_options) const {
    TlsClient client(server->port(), client_options);
    // In TLS 1.3 the client has finished before the server looks at the certificate.
    if (!client.connected() || !client.send(kGet)) return "";
    return client.read_reply().body;
  }

  TestCertificate own;
  TestCertificate authority;
  net::HttpServerOptions options;
  std::unique_ptr<net::HttpServer> server;
};

}  // namespace

TEST_CASE("client certificate: the first DNS or URI name is the identity, else the common name") {
  struct Row {
    std::string alternative_names;
    std::string identity;
  };
  const std::vector<Row> rows = {
      {"DNS:node-1,DNS:localhost", "[node-1]"},
      {"IP:127.0.0.1,URI:spiffe://coffer/node-1,DNS:node-1", "[spiffe://coffer/node-1]"},
      {"", "[a common name]"},
      {"IP:127.0.0.1,email:a@b", "[a common name]"},
  };
  MutualServer mutual(true);
  for (const Row& row : rows) {
    CAPTURE(row.alternative_names);
    const auto files = mutual.authority.issue_as("a common name", row.alternative_names);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      TlsClientOptions options = mutual.client_options(files);
      options.version_min = options.version_max = version;
      CHECK(mutual.ask(options) == row.identity);
    }
  }
}

TEST_CASE("client certificate: without a valid one there is no connection") {
  MutualServer mutual(true);
  TestCertificate stranger;
  const auto foreign = stranger.issue_as("node-1", "DNS:node-1");
  std::uint64_t failures = 0;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const CertificateFiles& files : {CertificateFiles{}, foreign}) {
      TlsClientOptions options = mutual.client_options(files);
      options.version_min = options.version_max = version;
      CHECK(mutual.ask(options).empty());
      ++failures;
      CHECK(eventually([&] { return mutual.server->counters().handshake_failures == failures; }));
    }
  }
  CHECK(mutual.server->counters().requests == 0);
}

TEST_CASE("client certificate: optional means none or a valid one") {
  MutualServer mutual(false);
  TestCertificate stranger;
  CHECK(mutual.ask(mutual.client_options({})) == "[]");
  CHECK(mutual.ask(mutual.client_options(mutual.authority.issue_as("n", "DNS:n"))) == "[n]");
  CHECK(mutual.ask(mutual.client_options(stranger.issue_as("n", "DNS:n"))).empty());
}

TEST_CASE("client certificate: a listener that asks for none does not learn it") {
  const TestServer server(&name_peer);
  TestCertificate authority;
  const auto files = authority.issue_as("n", "DNS:n");
  TlsClientOptions options = server.client_options();
  options.certificate_file = files.certificate;
  options.key_file = files.key;
  TlsClient client(server.server->port(), options);
  REQUIRE(client.send(kGet));
  CHECK(client.read_reply().body == "[]");
}

TEST_CASE("client certificate: a reload changes who is trusted, also for old sessions") {
  MutualServer mutual(true);
  const TlsClientOptions options = mutual.client_options(mutual.authority.issue_as("n", "DNS:n"));
  TlsClient before(mutual.server->port(), options);
  REQUIRE(before.send(kGet));
  CHECK(before.read_reply().body == "[n]");
  SSL_SESSION* session = SSL_get1_session(before.handle());

  TestCertificate other;
  std::filesystem::copy_file(other.authority_file(), mutual.authority.authority_file(),
                             std::filesystem::copy_options::overwrite_existing);
  REQUIRE(mutual.server->reload_certificate().ok());
  CHECK(mutual.ask(options).empty());
  TlsClientOptions resuming = options;
  resuming.resume = session;
  CHECK(mutual.ask(resuming).empty());
  CHECK(mutual.ask(mutual.client_options(other.issue_as("o", "DNS:o"))) == "[o]");
  REQUIRE(before.send(kGet));  // what is open stays
  CHECK(before.read_reply().body == "[n]");
  SSL_SESSION_free(session);

  std::ofstream(mutual.authority.authority_file()) << "not a certificate";
  CHECK(!mutual.server->reload_certificate().ok());
  CHECK(mutual.ask(mutual.client_options(other.issue_as("o", "DNS:o"))) == "[o]");
}

TEST_CASE("client certificate: required without an authority is refused at the start") {
  MutualServer mutual(true);
  net::HttpServerOptions options = mutual.options;
  SUBCASE("none") {
    options.client_ca_file.clear();
  }
  SUBCASE("absent") {
    options.client_ca_file += ".absent";
  }
  const auto started = net::HttpServer::start(options, &name_peer);
  REQUIRE(!started.ok());
  CHECK(started.error().code == ErrorCode::invalid_argument);
}

TEST_CASE("head: a body that was measured elsewhere keeps its length") {
  const TestServer server([](const auto&, const net::Responder& respond) {
    net::HttpResponse response;
    response.head_body_bytes = 1234;
    respond(std::move(response));
  });
  const auto client = server.connect();
  REQUIRE(client->send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n"));
  const Reply head = client->read_reply(true);
  CHECK(head.field("Content-Length") == "1234");
  CHECK(head.field("Content-Type") == "application/json");
  REQUIRE(client->send(kGet));
  CHECK(client->read_reply().field("Content-Length") == "0");
}

}  // namespace coffer::test
