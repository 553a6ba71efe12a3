// One TLS connection to a peer: set-up, requests one after the other, end. Owned by its pool and by
// the operations under way; lives on the client's thread.
//
//   connecting -> handshaking -> confirming -> asking -> idle -> starting -> asking ...
//                                                (any) -> closed
//
// confirming: our side of the handshake is done, but the peer has not accepted our certificate yet.
//   Nothing of a request is written before it has: a refusal then is known to have processed
//   nothing.
// starting: a request was assigned to the idle connection. It is written one turn of the loop
// later,
//   after every completion that had arrived before, so that a closed connection is found closed.
// From confirming on one read is always under way; in asking maybe a write beside it.
#pragma once

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <chrono>
#include <memory>
#include <string_view>

#include "events/base/secret_bytes.h"
#include "net/cluster/exchange.h"
#include "net/cluster/peer_client.h"
#include "net/cluster/peer_tls.h"
#include "net/cluster/response_parser.h"
#include "net/http/asio_types.h"
#include "net/http/wiping_buffer.h"

namespace coffer::net {

class PeerConnection;

// What a connection tells its pool. The pool outlives its open connections.
class PeerConnectionOwner {
 public:
  // The connection is idle now.
  virtual void on_idle(PeerConnection& connection) = 0;
  // The connection is closed. `again`: a request that was not processed, or may be repeated, and
  // must go to another connection; `fresh` says whether that has to be a new one.
  virtual void on_closed(PeerConnection& connection, std::unique_ptr<Exchange> again,
                         bool fresh) noexcept = 0;

 protected:
  ~PeerConnectionOwner() = default;
};

class PeerConnection final : public TicketListener,
                             public std::enable_shared_from_this<PeerConnection> {
 public:
  using Time = std::chrono::steady_clock::time_point;

  PeerConnection(PeerConnectionOwner& owner, asio::io_context& context, const PeerAddress& peer,
                 const PeerLimits& limits);
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  // Connects and sends the request then. False without memory for TLS; nothing has happened.
  [[nodiscard]] bool open(PeerTls& tls, std::unique_ptr<Exchange>& first);
  // Precondition: idle.
  void start(std::unique_ptr<Exchange> exchange);
  void check_deadlines(Time now) noexcept;
  // Ends at once; its request fails.
  void abort(std::string_view why) noexcept { end(why, Cause::ours); }

 private:
  enum class State { connecting, handshaking, confirming, asking, idle, starting, closed };
  enum class Cause { lost, ours };  // lost: the other side or the network ended the connection

  using Stream = asio::ssl::stream<TcpSocket>;

  template <class Step>
  void guarded(Step step) noexcept;

  void connect();
  void on_connected(AsioError error);
  void on_handshake(AsioError error);
  void on_ticket() noexcept override;
  void ask();
  void write_more();
  void on_written(AsioError error, std::size_t size);
  void read_more();
  void on_read(AsioError error, std::size_t size);
  void parse();
  void complete();
  [[nodiscard]] bool is_quiet() noexcept;
  void end(std::string_view why, Cause cause,
           ErrorCode code_when_safe = ErrorCode::unavailable) noexcept;
  void end(const char* step, const AsioError& error) noexcept;

  PeerConnectionOwner& owner_;
  asio::io_context& context_;
  const PeerAddress peer_;
  const PeerLimits& limits_;
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver_;
  std::unique_ptr<Stream> stream_;

  State state_ = State::connecting;
  Time deadline_{};  // of the state

  std::unique_ptr<Exchange> exchange_;
  bool answer_started_ = false;
  WipingBuffer input_;
  ResponseParser parser_;

  SecretBytes output_;                    // head, with the body when that is small
  std::shared_ptr<HttpRequest> body_of_;  // the body is written from here when it is not
  std::size_t written_bytes_ = 0;
  bool writing_ = false;
};

}  // namespace coffer::net
