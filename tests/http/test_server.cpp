#include "tests/http/test_server.h"

#include <chrono>
#include <thread>
#include <utility>

#include "events/base/check.h"

namespace coffer::test {

net::HttpResponse text_response(std::string_view text) {
  net::HttpResponse response;
  response.content_type = "text/plain";
  response.body = SecretBytes(text);
  return response;
}

void echo(const std::shared_ptr<net::HttpRequest>& request, const net::Responder& respond) {
  respond(text_response(request->method + ' ' + request->target + ' ' +
                        std::string(request->body.expose_text())));
}

TestServer::TestServer(net::HttpHandler handler, net::HttpLimits limits, unsigned threads) {
  net::HttpServerOptions options;
  options.port = 0;
  options.certificate_file = certificate.certificate_file();
  options.key_file = certificate.key_file();
  options.threads = threads;
  options.limits = limits;
  auto started = net::HttpServer::start(options, std::move(handler));
  COFFER_CHECK(started.ok());
  server = std::move(started).value();
}

TlsClientOptions TestServer::client_options() const {
  TlsClientOptions options;
  options.authority_file = certificate.authority_file();
  return options;
}

std::unique_ptr<TlsClient> TestServer::connect() const {
  auto client = std::make_unique<TlsClient>(server->port(), client_options());
  COFFER_CHECK(client->connected());
  return client;
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace coffer::test
