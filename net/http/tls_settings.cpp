#include "net/http/tls_settings.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <array>

namespace coffer::net {
namespace {

constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers =
    "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

// A key with a passphrase fails to load; the default would ask on the terminal and hang a service.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

}  // namespace

Error tls_error(const std::string& what) {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return fail(ErrorCode::invalid_argument, what);
  ERR_error_string_n(code, text.data(), text.size());
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", what, text.data()));
}

Result<void> apply_tls_settings(SSL_CTX* context) {
  const bool accepted = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                        SSL_CTX_set_cipher_list(context, kTls12Ciphers) == 1 &&
                        SSL_CTX_set_ciphersuites(context, kTls13Ciphers) == 1 &&
                        SSL_CTX_set1_groups_list(context, kGroups) == 1;
  if (!accepted) return tls_error("TLS settings were refused");
  // CLEANSE_PLAINTEXT: the library's record buffer must not keep the last request's token.
  SSL_CTX_set_options(context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
  SSL_CTX_set_default_passwd_cb(context, &no_passphrase);
  return {};
}

Result<void> load_certificate(SSL_CTX* context, const std::string& certificate_file,
                              const std::string& key_file) {
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    return tls_error(fmt::format("certificate '{}' does not load", certificate_file));
  }
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return tls_error(fmt::format("key '{}' does not load", key_file));
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return tls_error("the key does not belong to the certificate");
  }
  return {};
}

Result<void> trust_authority(SSL_CTX* context, const std::string& authority_file) {
  if (SSL_CTX_load_verify_file(context, authority_file.c_str()) != 1) {
    return tls_error(fmt::format("authority '{}' does not load", authority_file));
  }
  return {};
}

}  // namespace coffer::net
