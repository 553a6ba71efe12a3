// HTTPS listener: TLS, HTTP/1.1 parsing, limits and deadlines (Boost.Beast). Knows bytes, not
// secrets engines: every complete request goes to one handler, every answer is one buffer.
// Threads: one io_context and one thread per `threads`, connections dealt round robin, no strands.
// A request's handler is called on its connection's thread; the Responder may be called from any
// thread, exactly once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/base/result.h"
#include "events/base/secret_bytes.h"

namespace coffer::net {

struct HttpRequest {
  std::string method;  // as sent, also unknown verbs such as LIST and SCAN
  std::string target;  // raw request target
  std::vector<std::pair<std::string, std::string>> headers;  // names lower-cased
  SecretBytes body;
  std::string peer_address;  // without port
  // Name in the verified client certificate (peer_identity.h). Empty without one, so always on a
  // listener that asks for none.
  std::string peer_identity;
  std::string forwarded_by;  // node of the cluster that took it from the client; empty: this one
  unsigned thread = 0;       // index of the io thread that owns the connection
  // Empty when absent.
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const noexcept;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";  // not sent without a body
  std::vector<std::pair<std::string, std::string>> headers;
  SecretBytes body;  // wiped after it was sent
  // Of an answer to HEAD whose body somebody else has measured and left out.
  std::uint64_t head_body_bytes = 0;
  bool close = false;  // end the connection after this answer
};

using Responder = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(std::shared_ptr<HttpRequest>, Responder)>;

struct HttpLimits {
  std::uint32_t header_bytes_max = 32 * 1024;
  std::uint64_t body_bytes_max = 32 * 1024 * 1024;
  std::uint64_t bodies_bytes_max = 512 * 1024 * 1024;  // of all requests under way together: 503
  std::uint32_t connections_max = 4096;
  std::uint32_t connections_per_address_max = 4096;
  std::uint32_t idle_seconds_max = 120;    // between requests
  std::uint32_t request_seconds_max = 30;  // from first byte to complete request
  std::uint32_t handshake_seconds_max = 10;
  std::uint32_t response_seconds_max = 90;  // handler plus write
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8200;  // 0 = any free one
  std::string certificate_file;
  std::string key_file;
  // PEM. Clients that show a certificate must have it from here; empty: none is asked for.
  std::string client_ca_file;
  bool require_client_certificate = false;  // refuses, in the handshake, who shows none
  unsigned threads = 2;
  HttpLimits limits;
};

struct HttpCounters {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_refused = 0;
  std::uint64_t requests = 0;
  std::uint64_t requests_refused = 0;  // as bytes: malformed, too large, too many large ones
  std::uint64_t handshakes = 0;        // that succeeded
  std::uint64_t handshakes_resumed = 0;
  std::uint64_t handshake_failures = 0;
};

class HttpServer {
 public:
  // Binds, loads the certificate and starts the threads. Errors: invalid_argument (certificate,
  // key, authority or address), unavailable (port in use).
  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options,
                                                   HttpHandler handler);
  virtual ~HttpServer() = default;  // stop(0)
  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;
  // Runs `task` on an io thread; used to bring completions of other threads home in one hop.
  virtual void post(unsigned thread, std::function<void()> task) = 0;
  // Stops accepting, lets running requests end for at most `drain_seconds`, joins the threads.
  virtual void stop(unsigned drain_seconds) = 0;
  // Reads certificate, key and the authority of clients again; the old ones stay when the new ones
  // do not load.
  virtual Result<void> reload_certificate() = 0;
  [[nodiscard]] virtual HttpCounters counters() const noexcept = 0;
};

}  // namespace coffer::net
