// GET over HTTPS for documents of token issuers: libcurl's multi interface on one thread of its
// own, so that a slow issuer holds up nobody else. TLS 1.2 or newer with the peer verified, no
// redirects, no proxy, no compression, bounded in bytes, time, transfers at once and transfers that
// wait.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "events/base/result.h"

namespace coffer::authn {

struct FetchLimits {
  std::size_t bytes_max = 256 * 1024;
  std::int64_t timeout_ms = 10'000;  // of a whole transfer
  std::size_t active_max = 64;
  std::size_t waiting_max = 1024;
};

struct FetchRequest {
  std::string url;            // must start with https://
  std::string authority_pem;  // the only trusted authorities; empty: the system's
};

class HttpsFetcher {
 public:
  // Body of an answer of status 200. Errors: invalid_argument (no https URL, unusable PEM),
  // too_large, overloaded, unavailable (everything else; the text names the kind of failure and
  // never what the peer sent).
  using Done = std::function<void(Result<std::string>)>;

  explicit HttpsFetcher(const FetchLimits& limits = {});
  HttpsFetcher(const HttpsFetcher&) = delete;
  HttpsFetcher& operator=(const HttpsFetcher&) = delete;
  ~HttpsFetcher();  // stops

  // `done` is called once: on the fetcher's thread, where it may start another fetch but not wait;
  // or at once on the caller's thread when the request is refused right away. Thread-safe.
  void fetch(FetchRequest request, Done done);
  // Ends what is under way. Each `done` that is owed is called with unavailable before this
  // returns, later ones at once. Not from a `done`.
  void stop();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace coffer::authn
