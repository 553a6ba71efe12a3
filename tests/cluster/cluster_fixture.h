// Nodes on the loopback interface with certificates of one authority, and calls to them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/cluster/peer_client.h"
#include "tests/http/test_server.h"
#include "tests/support/test_certificate.h"

namespace coffer::test {

// For what must not time out.
inline constexpr std::chrono::seconds kPatience{60};

// The authority of a cluster. Node "x" has the identity "x".
struct Cluster {
  CertificateFiles node(const std::string& name);
  [[nodiscard]] net::PeerClientOptions client_options(const std::string& name);
  [[nodiscard]] std::unique_ptr<net::PeerClient> client(const std::string& name,
                                                        net::PeerLimits limits = {});
  [[nodiscard]] net::HttpServerOptions listener_options(const std::string& name);

  TestCertificate authority;
};

[[nodiscard]] std::unique_ptr<net::HttpServer> start_server(const net::HttpServerOptions& options,
                                                            net::HttpHandler handler);
[[nodiscard]] net::PeerAddress address_of(const std::string& name, std::uint16_t port);
[[nodiscard]] std::shared_ptr<net::HttpRequest> make_request(std::string method, std::string target,
                                                             std::string_view body = {});

// Collects the results of requests, whatever thread they come from.
class Results {
 public:
  [[nodiscard]] net::PeerCallback callback();
  // The result of the only, or the next request.
  [[nodiscard]] Result<net::HttpResponse> wait();
  [[nodiscard]] std::size_t count() const;
  // False after a time that only a broken client needs.
  [[nodiscard]] bool wait_for_count(std::size_t count);
  [[nodiscard]] std::vector<Result<net::HttpResponse>> take();

 private:
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Result<net::HttpResponse>> results_;
};

// One request, waited for.
[[nodiscard]] Result<net::HttpResponse> call(net::PeerClient& client, const net::PeerAddress& peer,
                                             std::shared_ptr<net::HttpRequest> request,
                                             std::chrono::milliseconds time = kPatience);
// The status of an answer or the name of the error: what the rows of a test compare.
[[nodiscard]] std::string outcome(const Result<net::HttpResponse>& result);

// A handler that keeps its responders until it is told to answer.
class Held {
 public:
  [[nodiscard]] net::HttpHandler handler();
  [[nodiscard]] std::size_t count() const;
  void answer_all();

 private:
  mutable std::mutex mutex_;
  std::vector<net::Responder> responders_;
};

}  // namespace coffer::test
