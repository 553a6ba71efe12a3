#include "net/http/tls_ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <cstring>

#include "events/base/check.h"
#include "events/base/secret_bytes.h"

namespace coffer::net {
namespace {

// Results that the TLS library expects of a ticket callback.
constexpr int kFailed = -1;
constexpr int kUnknownKey = 0;  // the client makes a full handshake
constexpr int kGood = 1;
constexpr int kGoodButRenew = 2;

int context_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

bool init_mac(EVP_MAC_CTX* mac, unsigned char* key, std::size_t size) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, size),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

}  // namespace

TlsTicketKeys::TlsTicketKeys() {
  // Even before the first rotation no ticket may match an all-zero key.
  COFFER_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&current_), sizeof current_) == 1);
}

TlsTicketKeys::~TlsTicketKeys() {
  wipe_memory(&current_, sizeof current_);
  wipe_memory(&previous_, sizeof previous_);
}

void TlsTicketKeys::attach_to(SSL_CTX* context) {
  COFFER_CHECK(SSL_CTX_set_ex_data(context, context_slot(), this) == 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &TlsTicketKeys::callback);
}

int TlsTicketKeys::callback(SSL* ssl, unsigned char* name, unsigned char* iv,
                            EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int encrypt) {
  auto* keys =
      static_cast<TlsTicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_slot()));
  if (keys == nullptr) return kFailed;
  const std::lock_guard lock(keys->mutex_);
  if (!keys->rotate_when_due()) return kFailed;
  return encrypt != 0 ? keys->seal(name, iv, cipher, mac) : keys->open(name, iv, cipher, mac);
}

int TlsTicketKeys::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac) {
  const EVP_CIPHER* aes = EVP_aes_256_cbc();
  if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) != 1) return kFailed;
  std::memcpy(name, current_.name.data(), current_.name.size());
  if (EVP_EncryptInit_ex(cipher, aes, nullptr, current_.cipher.data(), iv) != 1) return kFailed;
  return init_mac(mac, current_.mac.data(), current_.mac.size()) ? kGood : kFailed;
}

int TlsTicketKeys::open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac) {
  const bool is_current = std::memcmp(name, current_.name.data(), current_.name.size()) == 0;
  const bool is_previous = std::memcmp(name, previous_.name.data(), previous_.name.size()) == 0;
  if (!is_current && !is_previous) return kUnknownKey;
  Key& key = is_current ? current_ : previous_;
  if (!init_mac(mac, key.mac.data(), key.mac.size())) return kFailed;
  if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) != 1) {
    return kFailed;
  }
  return is_current ? kGood : kGoodButRenew;
}

bool TlsTicketKeys::rotate_when_due() {
  const auto now = std::chrono::steady_clock::now();
  if (now < rotates_at_) return true;
  // After a long pause the current key is as old as the previous one would be: keep neither.
  const bool keep = now < rotates_at_ + kRotation;
  Key fresh[2];
  if (RAND_bytes(reinterpret_cast<unsigned char*>(fresh), sizeof fresh) != 1) return false;
  previous_ = keep ? current_ : fresh[1];
  current_ = fresh[0];
  rotates_at_ = now + kRotation;
  wipe_memory(fresh, sizeof fresh);
  return true;
}

}  // namespace coffer::net
