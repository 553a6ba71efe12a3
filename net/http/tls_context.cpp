#include "net/http/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <array>
#include <utility>

namespace coffer::net {
namespace {

constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers =
    "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

Error library_error(const std::string& what) {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return fail(ErrorCode::invalid_argument, what);
  ERR_error_string_n(code, text.data(), text.size());
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", what, text.data()));
}

// A key with a passphrase fails to load; the default would ask on the terminal and hang a service.
int no_passphrase(char*, int, int, void*) { return 0; }

// Only HTTP/1.1. A client that offers protocols but not this one would misread every byte.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char kOurs[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kOurs, sizeof kOurs, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> configure(SSL_CTX* context) {
  const bool accepted = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                        SSL_CTX_set_cipher_list(context, kTls12Ciphers) == 1 &&
                        SSL_CTX_set_ciphersuites(context, kTls13Ciphers) == 1 &&
                        SSL_CTX_set1_groups_list(context, kGroups) == 1;
  if (!accepted) return library_error("TLS settings were refused");
  // CLEANSE_PLAINTEXT: the library's record buffer must not keep the last request's token.
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CLEANSE_PLAINTEXT);
  // Tickets only: a server-side cache would keep session keys of peers that are gone.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, static_cast<long>(TlsTicketKeys::kRotation.count()));
  // Clients reuse a connection rather than open many: one ticket spares 50 us of each handshake.
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_alpn_select_cb(context, &select_protocol, nullptr);
  SSL_CTX_set_default_passwd_cb(context, &no_passphrase);
  return {};
}

}  // namespace

TlsContext::TlsContext(std::string certificate_file, std::string key_file)
    : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {}

Result<TlsContext::Context> TlsContext::load() {
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!context) return library_error("no TLS context");
  COFFER_TRY(configure(context.get()));
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file_.c_str()) != 1) {
    return library_error(fmt::format("certificate '{}' does not load", certificate_file_));
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file_.c_str(), SSL_FILETYPE_PEM) != 1) {
    return library_error(fmt::format("key '{}' does not load", key_file_));
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    return library_error("the key does not belong to the certificate");
  }
  return context;
}

Result<void> TlsContext::reload() {
  COFFER_ASSIGN(Context fresh, load());
  ticket_keys_.attach_to(fresh.get());
  const std::lock_guard lock(mutex_);
  current_ = std::move(fresh);
  return {};
}

TlsHandle TlsContext::new_connection() {
  const std::lock_guard lock(mutex_);
  return TlsHandle(SSL_new(current_.get()));
}

}  // namespace coffer::net
