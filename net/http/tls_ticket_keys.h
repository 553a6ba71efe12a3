// Keys of TLS session tickets. They rotate, so that a stolen key opens only the resumptions of the
// last two hours, and live outside the TLS context, so that a certificate reload ends no sessions.
// Threads: any (one mutex; used per handshake only).
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace coffer::net {

class TlsTicketKeys {
 public:
  TlsTicketKeys();
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;
  ~TlsTicketKeys();

  static constexpr std::chrono::seconds kRotation{3600};

  // Makes `context` use these keys, which must outlive it and every connection made from it.
  void attach_to(SSL_CTX* context);

 private:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
  };

  static int callback(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                      EVP_MAC_CTX* mac, int encrypt);
  int seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac);
  int open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
           EVP_MAC_CTX* mac);
  bool rotate_when_due();

  std::mutex mutex_;
  Key current_{};
  Key previous_{};
  std::chrono::steady_clock::time_point rotates_at_{};  // long ago: the first use draws the keys
};

}  // namespace coffer::net
