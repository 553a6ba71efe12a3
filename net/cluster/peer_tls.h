// TLS of outgoing connections to peers: version 1.3, our certificate, the cluster's authority.
// Whether the peer is the expected one is checked after the handshake (net/http/peer_identity.h).
// Threads: any.
#pragma once

#include <mutex>
#include <string>

#include "events/base/result.h"
#include "net/http/tls_settings.h"

namespace coffer::net {

// Told when the server has accepted our certificate. In TLS 1.3 the client's handshake ends before
// that; the ticket which the server then sends is the first sign of it.
class TicketListener {
 public:
  // Called from inside a read of that connection.
  virtual void on_ticket() noexcept = 0;

 protected:
  ~TicketListener() = default;
};

class PeerTls {
 public:
  PeerTls(std::string certificate_file, std::string key_file, std::string authority_file);

  // Errors: invalid_argument; the context in use stays.
  Result<void> reload();
  // A new connection; nullptr when out of memory. `listener` lives as long as the connection.
  // Precondition: a reload() succeeded.
  [[nodiscard]] TlsHandle new_connection(TicketListener& listener);

 private:
  [[nodiscard]] Result<SharedTlsContext> load() const;

  const std::string certificate_file_;
  const std::string key_file_;
  const std::string authority_file_;
  std::mutex mutex_;
  SharedTlsContext current_;
};

}  // namespace coffer::net
