#include "tests/cluster/raw_peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "events/base/check.h"

namespace coffer::test {

bool RawConnection::fill() {
  std::array<char, 16 * 1024> chunk;
  ERR_clear_error();
  const int size = SSL_read(ssl_, chunk.data(), chunk.size());
  if (size <= 0) return false;
  received_.append(chunk.data(), static_cast<std::size_t>(size));
  return true;
}

std::string RawConnection::read_head() {
  std::size_t end;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return "";
  }
  ++requests_;
  const std::string head = received_.substr(0, end + 4);
  received_.erase(0, end + 4);
  return head;
}

std::string RawConnection::read_request() {
  std::string head = read_head();
  const auto at = head.find("content-length: ");
  const std::size_t size =
      at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 16, nullptr, 10);
  while (received_.size() < size) {
    if (!fill()) return "";
  }
  head += received_.substr(0, size);
  received_.erase(0, size);
  return head;
}

void RawConnection::send(std::string_view bytes) {
  ERR_clear_error();
  COFFER_CHECK(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) ==
               static_cast<int>(bytes.size()));
}

void RawConnection::wait_for_end() {
  do {
    received_.clear();
  } while (fill());
}

RawPeer::RawPeer(const RawPeerOptions& options, Script script)
    : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free), script_(std::move(script)) {
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* const context = context_.get();
  COFFER_CHECK(SSL_CTX_use_certificate_chain_file(context, options.files.certificate.c_str()) == 1);
  COFFER_CHECK(SSL_CTX_use_PrivateKey_file(context, options.files.key.c_str(), SSL_FILETYPE_PEM) ==
               1);
  COFFER_CHECK(SSL_CTX_load_verify_file(context, options.authority_file.c_str()) == 1);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("raw"), 3);
  SSL_CTX_set_num_tickets(context, options.tickets);

  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  COFFER_CHECK(::bind(listener_, raw, size) == 0 && ::listen(listener_, 64) == 0);
  COFFER_CHECK(::getsockname(listener_, raw, &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

RawPeer::~RawPeer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
}

void RawPeer::accept_all() {
  for (;;) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    // What was sent has arrived: nothing waits for an acknowledgement.
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int number = ++accepted_;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket, number] { serve(socket, number); });
  }
}

void RawPeer::serve(int socket, int number) {
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), &SSL_free);
  SSL_set_fd(ssl.get(), socket);
  ERR_clear_error();
  if (SSL_accept(ssl.get()) == 1) {
    RawConnection connection(ssl.get(), number, requests_);
    script_(connection);
  }
  forget(socket);
  ++ended_;
}

void RawPeer::forget(int socket) {
  const std::lock_guard lock(mutex_);
  std::erase(sockets_, socket);
  ::close(socket);
}

}  // namespace coffer::test
