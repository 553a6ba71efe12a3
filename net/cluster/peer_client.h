// Sends requests to other nodes: HTTP/1.1 over TLS 1.3, with a certificate on both sides, on a
// bounded pool of keep-alive connections per peer.
//
// What an error says about the request:
//   overloaded        not sent; the peer's connections are busy and its queue is full
//   unavailable       not processed, or it had nothing to change (GET, HEAD, LIST, SCAN)
//   unknown_outcome   it may have been processed: the answer did not arrive as a whole
//   invalid_argument  not sent; it cannot be written as HTTP
//   internal          GET, HEAD, LIST, SCAN: the answer is malformed or beyond the limits
// A request is sent a second time, on a fresh connection, only when that cannot do anything twice:
// a pooled connection was found closed before anything was written, or the method is one of the
// four and its connection ended before the first byte of the answer.
//
// Threads: one of its own; all functions may be called from any other, send() also from a callback.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "events/base/result.h"
#include "net/cluster/address_book.h"
#include "net/http/http_server.h"

namespace coffer::net {

struct PeerLimits {
  std::uint32_t connections_max = 64;  // per peer, and so of its requests under way
  std::uint32_t queue_max = 1024;      // requests per peer that wait for a connection
  std::uint32_t answer_header_bytes_max = 64 * 1024;
  std::uint64_t answer_body_bytes_max = 64 * 1024 * 1024;
  std::chrono::milliseconds connect_max{3'000};  // name, TCP and TLS together
  std::chrono::milliseconds answer_max{60'000};  // from the first byte sent to the last received
  // Shorter than the listener's idle_seconds_max: so it is rarely the peer who closes, maybe while
  // a request is on its way.
  std::chrono::milliseconds idle_max{30'000};
};

struct PeerClientOptions {
  std::string certificate_file;  // this node's, with its chain; PEM
  std::string key_file;
  std::string authority_file;  // of the cluster: no other signs a peer's certificate
  PeerLimits limits;
};

struct PeerCounters {
  std::uint64_t connections_opened = 0;  // begun, also those that failed
  std::uint64_t connections_open = 0;
  std::uint64_t requests_under_way = 0;
};

using PeerCallback = std::function<void(Result<HttpResponse>)>;

class PeerClient {
 public:
  // Loads the certificate and starts the thread. Errors: invalid_argument (certificate, key or
  // authority), unavailable (no thread).
  static Result<std::unique_ptr<PeerClient>> start(PeerClientOptions options);
  virtual ~PeerClient() = default;  // stop()

  // Calls `done` exactly once: on the client's thread, or before send() returns when the request
  // was not accepted (overloaded, invalid_argument, stopped). `done` must not block. The request is
  // shared until then; nobody changes it meanwhile. Host is the request's own. The peer must show a
  // certificate with `peer.identity`. The deadline is kept to within 0.1 s.
  virtual void send(const PeerAddress& peer, std::shared_ptr<HttpRequest> request,
                    std::chrono::steady_clock::time_point deadline, PeerCallback done) = 0;
  // Reads certificate, key and authority again, for connections to come; the old ones stay when the
  // new ones do not load.
  virtual Result<void> reload_certificate() = 0;
  // Ends all connections and calls all callbacks; requests after that are unavailable. Not from a
  // callback.
  virtual void stop() = 0;
  [[nodiscard]] virtual PeerCounters counters() const = 0;
};

}  // namespace coffer::net
