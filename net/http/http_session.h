// One TLS connection: handshake, requests one after the other, close. Owned by its IoThread's list
// and by the operations under way; lives and dies on that thread.
//
//   handshaking -> idle -> reading -> handling -> writing -> idle ...        (keep-alive)
//                             |  ^                   |
//                   continuing+--+                   +-> closing [-> lingering] -> closed
//
// Every state but closed has a deadline. Exactly one operation is under way in each state, none in
// handling.
#pragma once

#include <boost/asio/ssl/stream.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "events/base/secret_bytes.h"
#include "net/http/asio_types.h"
#include "net/http/http_server.h"
#include "net/http/io_thread.h"
#include "net/http/request_parser.h"
#include "net/http/response_writer.h"
#include "net/http/wiping_buffer.h"

namespace coffer::net {

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(IoThread& home, TcpSocket socket, TlsHandle tls, ConnectionPlace place);
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  void start(IoThread::Sessions::iterator list_position);
  // Dropped unless request `number` is the one being handled.
  void reply(std::uint64_t number, HttpResponse response);
  void check_deadline() noexcept;
  void begin_drain() noexcept;
  // Closes at once and leaves the list.
  void abort() noexcept;

 private:
  enum class State {
    handshaking,
    idle,
    reading,
    continuing,
    handling,
    writing,
    closing,
    lingering,
    closed,
  };

  void enter(State state, std::uint64_t seconds_max) noexcept;
  template <class Step>
  void guarded(Step step) noexcept;

  void on_handshake(AsioError error);
  void await_request();
  void read_more();
  void on_read(AsioError error, std::size_t size);
  void parse();
  void write_continue();
  void dispatch();
  void refuse(ParseStatus status);
  void send(HttpResponse response);
  void write_more();
  void on_written(AsioError error, std::size_t size);
  void stop_reading() noexcept;
  void close_politely();
  void linger();

  IoThread& home_;
  IoThread::Sessions::iterator list_position_{};
  const ConnectionPlace place_;
  std::string peer_identity_;
  asio::ssl::stream<TcpSocket> stream_;

  State state_ = State::handshaking;
  std::uint64_t deadline_seconds_ = 0;
  bool read_cancelled_ = false;

  WipingBuffer input_;
  RequestParser parser_;
  bool continue_sent_ = false;
  bool keep_alive_ = false;
  std::uint64_t request_number_ = 0;
  ReplyContext reply_context_;

  SecretBytes output_;
  std::size_t output_sent_ = 0;
};

}  // namespace coffer::net
