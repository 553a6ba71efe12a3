#include "net/http/listener.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

namespace coffer::net {
namespace {

using asio::ip::tcp;

// A peer over IPv4 has one name, whatever the family of the listening socket.
std::string name_of(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace

Listener::Listener(ServerContext& server, const std::vector<std::unique_ptr<IoThread>>& threads)
    : server_(server),
      threads_(threads),
      acceptor_(threads.front()->context()),
      pause_(threads.front()->context()) {}

Result<void> Listener::open(const std::string& address, std::uint16_t port) {
  AsioError error;
  const auto parsed = asio::ip::make_address(address, error);
  if (error) {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not an IP address", address));
  }
  const tcp::endpoint endpoint(parsed, port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error == boost::system::errc::address_family_not_supported ||
      error == boost::system::errc::address_not_available) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is not an address of this host", address));
  }
  if (error) {
    return fail(ErrorCode::unavailable,
                fmt::format("cannot listen on {} port {}: {}", address, port, error.message()));
  }
  port_ = acceptor_.local_endpoint(error).port();
  return {};
}

void Listener::accept_next() {
  IoThread& target = *threads_[next_thread_];
  acceptor_.async_accept(target.context(), [this, &target](AsioError error, TcpSocket socket) {
    on_accept(error, std::move(socket), target);
  });
}

void Listener::on_accept(const AsioError& error, TcpSocket socket, IoThread& target) {
  if (!acceptor_.is_open()) return;
  if (error && error != asio::error::connection_aborted) {
    // Out of descriptors or memory: the connection stays queued, so trying at once would spin.
    return accept_later();
  }
  if (!error) {
    next_thread_ = (next_thread_ + 1) % threads_.size();
    try {
      admit(std::move(socket), target);
    } catch (...) {
      // No memory for this one; accepting goes on.
    }
  }
  accept_next();
}

void Listener::admit(TcpSocket socket, IoThread& target) {
  AsioError error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;  // gone again
  std::optional<ConnectionPlace> place = server_.connections.enter(name_of(peer.address()));
  if (!place) return;
  socket.set_option(tcp::no_delay(true), error);
  asio::post(target.context(),
             [&target, socket = std::move(socket), place = std::move(*place)]() mutable {
               target.adopt(std::move(socket), std::move(place));
             });
}

void Listener::accept_later() {
  pause_.expires_after(std::chrono::milliseconds(100));
  pause_.async_wait([this](AsioError error) {
    if (!error && acceptor_.is_open()) accept_next();
  });
}

void Listener::close() noexcept {
  AsioError ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

}  // namespace coffer::net
