// A peer that answers exactly the bytes it is told to, or ends the connection in the middle of
// them. Each accepted connection runs the script on a thread of its own, blocking; all end with the
// object.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/test_certificate.h"

namespace coffer::test {

class RawConnection {
 public:
  RawConnection(SSL* ssl, int number, std::atomic<int>& requests) noexcept
      : ssl_(ssl), number_(number), requests_(requests) {}

  [[nodiscard]] int number() const noexcept { return number_; }  // 1 = first of the peer
  // Head and body; "" when the other side has ended the connection.
  std::string read_request();
  // Up to the end of the head.
  std::string read_head();
  void send(std::string_view bytes);
  // Reads until the other side ends the connection.
  void wait_for_end();

 private:
  bool fill();

  SSL* ssl_;
  const int number_;
  std::atomic<int>& requests_;
  std::string received_;
};

struct RawPeerOptions {
  CertificateFiles files;
  std::string authority_file;
  unsigned tickets = 1;
};

class RawPeer {
 public:
  // The connection ends when the script returns.
  using Script = std::function<void(RawConnection&)>;

  RawPeer(const RawPeerOptions& options, Script script);
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;
  ~RawPeer();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] int connections() const noexcept { return accepted_; }
  [[nodiscard]] int ended() const noexcept { return ended_; }  // scripts that returned, closed
  [[nodiscard]] int requests() const noexcept { return requests_; }

 private:
  void accept_all();
  void serve(int socket, int number);
  void forget(int socket);

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  const Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::atomic<int> ended_{0};
  std::atomic<int> requests_{0};
  std::mutex mutex_;
  std::vector<int> sockets_;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace coffer::test
