// The listening socket: admits connections and deals them to the io threads in turn. Lives on the
// first io thread; open() and the destructor run while that thread does not.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "events/base/result.h"
#include "net/http/asio_types.h"
#include "net/http/io_thread.h"

namespace coffer::net {

class Listener {
 public:
  Listener(ServerContext& server, const std::vector<std::unique_ptr<IoThread>>& threads);

  // Errors: invalid_argument (address), unavailable (port in use or not allowed).
  Result<void> open(const std::string& address, std::uint16_t port);
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  void accept_next();
  void close() noexcept;

 private:
  void on_accept(const AsioError& error, TcpSocket socket, IoThread& target);
  void admit(TcpSocket socket, IoThread& target);
  void accept_later();

  ServerContext& server_;
  const std::vector<std::unique_ptr<IoThread>>& threads_;
  TcpAcceptor acceptor_;
  SteadyTimer pause_;
  std::uint16_t port_ = 0;
  std::size_t next_thread_ = 0;
};

}  // namespace coffer::net
