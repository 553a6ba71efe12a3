// TLS settings and certificate of the listener: TLS 1.2 and 1.3, forward secrecy and AEAD only.
// reload() replaces the certificate for connections to come; open ones keep the old one.
// Threads: any.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>

#include "events/base/result.h"
#include "net/http/tls_ticket_keys.h"

namespace coffer::net {

struct TlsHandleFree {
  void operator()(SSL* handle) const noexcept { SSL_free(handle); }
};
using TlsHandle = std::unique_ptr<SSL, TlsHandleFree>;

class TlsContext {
 public:
  TlsContext(std::string certificate_file, std::string key_file);

  // Errors: invalid_argument; the context in use stays.
  Result<void> reload();
  // A new connection; nullptr when out of memory. Precondition: a reload() succeeded.
  [[nodiscard]] TlsHandle new_connection();

 private:
  using Context = std::shared_ptr<SSL_CTX>;

  [[nodiscard]] Result<Context> load();

  const std::string certificate_file_;
  const std::string key_file_;
  TlsTicketKeys ticket_keys_;
  std::mutex mutex_;
  Context current_;
};

}  // namespace coffer::net
