// A server on a free port with a fixed set of paths, and clients for it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/http/http_server.h"
#include "tests/http/tls_client.h"
#include "tests/support/test_certificate.h"

namespace coffer::test {

// Answers with `METHOD target body`.
void echo(const std::shared_ptr<net::HttpRequest>& request, const net::Responder& respond);
[[nodiscard]] net::HttpResponse text_response(std::string_view text);

struct TestServer {
  explicit TestServer(net::HttpHandler handler, net::HttpLimits limits = {}, unsigned threads = 2);

  [[nodiscard]] TlsClientOptions client_options() const;
  [[nodiscard]] std::unique_ptr<TlsClient> connect() const;

  TestCertificate certificate;
  std::unique_ptr<net::HttpServer> server;
};

// Polls until `condition` holds; false after a time that only a broken server needs.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

inline constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n";

}  // namespace coffer::test
