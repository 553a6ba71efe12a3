// TLS settings that every connection of ours has, incoming or outgoing: versions and ciphers with
// forward secrecy and AEAD only, wiped record buffers, keys without passphrase. Pure set-up code.
// Errors of all functions: invalid_argument, with the library's reason.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "events/base/result.h"

namespace coffer::net {

struct TlsHandleFree {
  void operator()(SSL* handle) const noexcept { SSL_free(handle); }
};
using TlsHandle = std::unique_ptr<SSL, TlsHandleFree>;
using SharedTlsContext = std::shared_ptr<SSL_CTX>;

// `what` and the oldest entry of the library's error queue, which is emptied.
[[nodiscard]] Error tls_error(const std::string& what);

Result<void> apply_tls_settings(SSL_CTX* context);
// PEM files: our certificate with its chain, and its key.
Result<void> load_certificate(SSL_CTX* context, const std::string& certificate_file,
                              const std::string& key_file);
// Certificates of the other side are accepted when they lead to one of this file, and to no other.
Result<void> trust_authority(SSL_CTX* context, const std::string& authority_file);

}  // namespace coffer::net
