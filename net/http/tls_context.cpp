#include "net/http/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <utility>

namespace coffer::net {
namespace {

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
  COFFER_TRY(apply_tls_settings(context));
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // Tickets only: a server-side cache would keep session keys of peers that are gone.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, static_cast<long>(TlsTicketKeys::kRotation.count()));
  // Clients reuse a connection rather than open many: one ticket spares 50 us of each handshake.
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_alpn_select_cb(context, &select_protocol, nullptr);
  return {};
}

}  // namespace

TlsContext::TlsContext(TlsFiles files) : files_(std::move(files)) {}

Result<SharedTlsContext> TlsContext::load() {
  ERR_clear_error();
  SharedTlsContext context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!context) return tls_error("no TLS context");
  COFFER_TRY(configure(context.get()));
  COFFER_TRY(load_certificate(context.get(), files_.certificate, files_.key));
  COFFER_TRY(ask_for_certificates(context.get()));
  return context;
}

Result<void> TlsContext::ask_for_certificates(SSL_CTX* context) const {
  if (files_.client_authority.empty()) {
    if (!files_.require_client_certificate) return {};
    return fail(ErrorCode::invalid_argument,
                "client certificates are required, but no authority for them is given");
  }
  COFFER_TRY(trust_authority(context, files_.client_authority));
  auto* const names = SSL_load_client_CA_file(files_.client_authority.c_str());
  if (names == nullptr) {
    return tls_error(fmt::format("authority '{}' does not load", files_.client_authority));
  }
  SSL_CTX_set_client_CA_list(context, names);
  const int strictness = files_.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | strictness, nullptr);
  // Every connection shows its certificate: a resumed one would bypass an authority that has
  // changed since. Without tickets that hold the session and without a cache nothing can be
  // resumed. What TLS 1.3 still sends after the handshake is a ticket that opens nothing; it tells
  // the client that its certificate was accepted, and ours wait for it
  // (net/cluster/peer_connection.h).
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  return {};
}

Result<void> TlsContext::reload() {
  COFFER_ASSIGN(SharedTlsContext fresh, load());
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
