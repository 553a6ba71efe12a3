// A TLS client that sends exactly the bytes it is given, so that malformed requests reach the
// server as they are. Blocking, with a time-out that only a broken server meets.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace coffer::test {

struct Reply {
  int status = 0;      // 0: the connection ended before a complete header
  std::string header;  // status line and fields, names as sent
  std::string body;
  // Value of a field, exact spelling; "" when absent.
  [[nodiscard]] std::string field(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
};

struct TlsClientOptions {
  std::string authority_file;
  std::string certificate_file;  // of the client; "" = none shown
  std::string key_file;
  int version_min = TLS1_2_VERSION;
  int version_max = TLS1_3_VERSION;
  std::string protocols;          // ALPN, wire format; "" = none offered
  SSL_SESSION* resume = nullptr;  // borrowed
};

class TlsClient {
 public:
  TlsClient(std::uint16_t port, const TlsClientOptions& options);
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  ~TlsClient();

  [[nodiscard]] bool connected() const noexcept { return connected_; }  // verified handshake done
  bool send(std::string_view bytes);
  // Reads one answer; without a body when `head`.
  [[nodiscard]] Reply read_reply(bool head = false);
  // True when the server ends the connection with a TLS close, without another byte.
  [[nodiscard]] bool closed_cleanly();
  // Sends the closing message and ends the TCP connection.
  void close();

  [[nodiscard]] SSL* handle() const noexcept { return ssl_.get(); }
  [[nodiscard]] std::string peer_common_name() const;
  [[nodiscard]] std::string protocol() const;  // ALPN

 private:
  bool fill();

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  int socket_ = -1;
  bool connected_ = false;
  std::string received_;
};

// A plain TCP connection to the loopback port; -1 when refused.
[[nodiscard]] int connect_tcp(std::uint16_t port);

}  // namespace coffer::test
