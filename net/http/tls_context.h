// TLS settings and certificate of the listener: TLS 1.2 and 1.3, forward secrecy and AEAD only.
// With an authority for clients it verifies their certificates, in the handshake.
// reload() replaces the certificate and that authority for connections to come; open ones keep the
// old ones. Threads: any.
#pragma once

#include <openssl/ssl.h>

#include <mutex>
#include <string>

#include "events/base/result.h"
#include "net/http/tls_settings.h"
#include "net/http/tls_ticket_keys.h"

namespace coffer::net {

struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_authority;             // empty: clients are not asked for a certificate
  bool require_client_certificate = false;  // otherwise a client may come without one
};

class TlsContext {
 public:
  explicit TlsContext(TlsFiles files);

  // Errors: invalid_argument; the context in use stays.
  Result<void> reload();
  // A new connection; nullptr when out of memory. Precondition: a reload() succeeded.
  [[nodiscard]] TlsHandle new_connection();

 private:
  [[nodiscard]] Result<SharedTlsContext> load();
  Result<void> ask_for_certificates(SSL_CTX* context) const;

  const TlsFiles files_;
  TlsTicketKeys ticket_keys_;
  std::mutex mutex_;
  SharedTlsContext current_;
};

}  // namespace coffer::net
