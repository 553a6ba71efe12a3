#include "tests/http/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "events/base/check.h"

namespace coffer::test {
namespace {

constexpr timeval kPatience{30, 0};

}  // namespace

std::string Reply::field(std::string_view name) const {
  const std::string start = "\r\n" + std::string(name) + ": ";
  const auto at = header.find(start);
  if (at == std::string::npos) return "";
  const auto from = at + start.size();
  return header.substr(from, header.find("\r\n", from) - from);
}

bool Reply::has(std::string_view name) const {
  return header.find("\r\n" + std::string(name) + ": ") != std::string::npos;
}

int connect_tcp(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  COFFER_CHECK(fd >= 0);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

TlsClient::TlsClient(std::uint16_t port, const TlsClientOptions& options)
    : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free), ssl_(nullptr, &SSL_free) {
  // The library writes with write(2): to a closed connection that would end the test program.
  std::signal(SIGPIPE, SIG_IGN);
  COFFER_CHECK(SSL_CTX_load_verify_file(context_.get(), options.authority_file.c_str()) == 1);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_min_proto_version(context_.get(), options.version_min);
  SSL_CTX_set_max_proto_version(context_.get(), options.version_max);
  if (!options.certificate_file.empty()) {
    COFFER_CHECK(
        SSL_CTX_use_certificate_chain_file(context_.get(), options.certificate_file.c_str()) == 1);
    COFFER_CHECK(SSL_CTX_use_PrivateKey_file(context_.get(), options.key_file.c_str(),
                                             SSL_FILETYPE_PEM) == 1);
  }
  SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT);
  ssl_.reset(SSL_new(context_.get()));
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), "127.0.0.1");
  if (!options.protocols.empty()) {
    SSL_set_alpn_protos(ssl_.get(),
                        reinterpret_cast<const unsigned char*>(options.protocols.data()),
                        static_cast<unsigned>(options.protocols.size()));
  }
  if (options.resume != nullptr) SSL_set_session(ssl_.get(), options.resume);
  socket_ = connect_tcp(port);
  if (socket_ < 0) return;
  SSL_set_fd(ssl_.get(), socket_);
  ERR_clear_error();
  connected_ = SSL_connect(ssl_.get()) == 1;
}

TlsClient::~TlsClient() {
  if (socket_ >= 0) ::close(socket_);
}

bool TlsClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ERR_clear_error();
    const int sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool TlsClient::fill() {
  std::array<char, 16 * 1024> chunk;
  ERR_clear_error();
  const int size = SSL_read(ssl_.get(), chunk.data(), chunk.size());
  if (size <= 0) return false;
  received_.append(chunk.data(), static_cast<std::size_t>(size));
  return true;
}

Reply TlsClient::read_reply(bool head) {
  Reply reply;
  std::size_t end;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return reply;
  }
  reply.header = received_.substr(0, end + 2);
  received_.erase(0, end + 4);
  reply.status = std::atoi(reply.header.c_str() + 9);
  const auto size = head ? 0 : std::strtoul(reply.field("Content-Length").c_str(), nullptr, 10);
  while (received_.size() < size && fill()) {
  }
  reply.body = received_.substr(0, size);
  received_.erase(0, size);
  return reply;
}

bool TlsClient::closed_cleanly() {
  if (!received_.empty() || fill()) return false;
  return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void TlsClient::close() {
  SSL_shutdown(ssl_.get());
  ::close(socket_);
  socket_ = -1;
}

std::string TlsClient::peer_common_name() const {
  X509* certificate = SSL_get1_peer_certificate(ssl_.get());
  std::array<char, 128> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                            name.size());
  X509_free(certificate);
  return name.data();
}

std::string TlsClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace coffer::test
