#include "net/cluster/peer_tls.h"

#include <openssl/err.h>

#include <utility>

namespace coffer::net {
namespace {

// Where a connection keeps its listener. The "app data" slot belongs to Asio's stream, which
// deletes what it finds there.
int listener_slot() {
  static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

int on_new_session(SSL* connection, SSL_SESSION*) {
  if (auto* listener = static_cast<TicketListener*>(SSL_get_ex_data(connection, listener_slot()))) {
    listener->on_ticket();
  }
  return 0;  // not kept: pooled connections make resumption needless
}

}  // namespace

PeerTls::PeerTls(std::string certificate_file, std::string key_file, std::string authority_file)
    : certificate_file_(std::move(certificate_file)),
      key_file_(std::move(key_file)),
      authority_file_(std::move(authority_file)) {}

Result<SharedTlsContext> PeerTls::load() const {
  ERR_clear_error();
  SharedTlsContext context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (!context) return tls_error("no TLS context");
  COFFER_TRY(apply_tls_settings(context.get()));
  COFFER_TRY(load_certificate(context.get(), certificate_file_, key_file_));
  COFFER_TRY(trust_authority(context.get(), authority_file_));
  static constexpr unsigned char kProtocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  if (SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_alpn_protos(context.get(), kProtocols, sizeof kProtocols) != 0) {
    return tls_error("TLS settings were refused");
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), &on_new_session);
  return context;
}

Result<void> PeerTls::reload() {
  COFFER_ASSIGN(SharedTlsContext fresh, load());
  const std::lock_guard lock(mutex_);
  current_ = std::move(fresh);
  return {};
}

TlsHandle PeerTls::new_connection(TicketListener& listener) {
  TlsHandle handle;
  {
    const std::lock_guard lock(mutex_);
    handle.reset(SSL_new(current_.get()));
  }
  if (handle && SSL_set_ex_data(handle.get(), listener_slot(), &listener) != 1) return nullptr;
  return handle;
}

}  // namespace coffer::net
