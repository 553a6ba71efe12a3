#include "tests/cluster/cluster_fixture.h"

#include <utility>

#include "events/base/check.h"

namespace coffer::test {

CertificateFiles Cluster::node(const std::string& name) {
  return authority.issue_as(name, "DNS:" + name + ",DNS:localhost,IP:127.0.0.1");
}

net::PeerClientOptions Cluster::client_options(const std::string& name) {
  const CertificateFiles files = node(name);
  net::PeerClientOptions options;
  options.certificate_file = files.certificate;
  options.key_file = files.key;
  options.authority_file = authority.authority_file();
  return options;
}

std::unique_ptr<net::PeerClient> Cluster::client(const std::string& name, net::PeerLimits limits) {
  net::PeerClientOptions options = client_options(name);
  options.limits = limits;
  auto started = net::PeerClient::start(std::move(options));
  COFFER_CHECK(started.ok());
  return std::move(started).value();
}

net::HttpServerOptions Cluster::listener_options(const std::string& name) {
  const CertificateFiles files = node(name);
  net::HttpServerOptions options;
  options.port = 0;
  options.certificate_file = files.certificate;
  options.key_file = files.key;
  options.client_ca_file = authority.authority_file();
  options.require_client_certificate = true;
  return options;
}

std::unique_ptr<net::HttpServer> start_server(const net::HttpServerOptions& options,
                                              net::HttpHandler handler) {
  auto started = net::HttpServer::start(options, std::move(handler));
  COFFER_CHECK(started.ok());
  return std::move(started).value();
}

net::PeerAddress address_of(const std::string& name, std::uint16_t port) {
  return {name, "127.0.0.1", port, name};
}

std::shared_ptr<net::HttpRequest> make_request(std::string method, std::string target,
                                               std::string_view body) {
  auto request = std::make_shared<net::HttpRequest>();
  request->method = std::move(method);
  request->target = std::move(target);
  request->headers.emplace_back("host", "vault.test");
  request->body = SecretBytes(body);
  request->peer_address = "192.0.2.7";
  return request;
}

net::PeerCallback Results::callback() {
  return [this](Result<net::HttpResponse> result) {
    const std::lock_guard lock(mutex_);
    results_.push_back(std::move(result));
    arrived_.notify_all();
  };
}

Result<net::HttpResponse> Results::wait() {
  COFFER_CHECK(wait_for_count(1));
  const std::lock_guard lock(mutex_);
  auto first = std::move(results_.front());
  results_.erase(results_.begin());
  return first;
}

std::size_t Results::count() const {
  const std::lock_guard lock(mutex_);
  return results_.size();
}

bool Results::wait_for_count(std::size_t count) {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, kPatience, [&] { return results_.size() >= count; });
}

std::vector<Result<net::HttpResponse>> Results::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(results_, {});
}

Result<net::HttpResponse> call(net::PeerClient& client, const net::PeerAddress& peer,
                               std::shared_ptr<net::HttpRequest> request,
                               std::chrono::milliseconds time) {
  Results results;
  client.send(peer, std::move(request), std::chrono::steady_clock::now() + time,
              results.callback());
  return results.wait();
}

std::string outcome(const Result<net::HttpResponse>& result) {
  if (result.ok()) return std::to_string(result.value().status);
  return std::string(to_string(result.error().code));
}

net::HttpHandler Held::handler() {
  return [this](const auto&, net::Responder respond) {
    const std::lock_guard lock(mutex_);
    responders_.push_back(std::move(respond));
  };
}

std::size_t Held::count() const {
  const std::lock_guard lock(mutex_);
  return responders_.size();
}

void Held::answer_all() {
  const std::lock_guard lock(mutex_);
  for (auto& respond : responders_) respond(text_response("held"));
  responders_.clear();
}

}  // namespace coffer::test
