#include "net/http/http_session.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <utility>

#include "net/http/peer_identity.h"

namespace coffer::net {
namespace {

constexpr std::uint64_t kCloseSecondsMax = 5;
constexpr std::size_t kInputBytesMin = 16 * 1024;
constexpr std::size_t kKeptOutputBytes = 64 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

HttpResponse refusal(ParseStatus status) {
  switch (status) {
    case ParseStatus::body_too_large:
      return error_response(413, "request body too large");
    case ParseStatus::overloaded: {
      HttpResponse response = error_response(503, "too many large requests");
      response.headers.emplace_back("Retry-After", "1");
      return response;
    }
    default:
      break;
  }
  HttpResponse response;
  response.status = status == ParseStatus::header_too_large     ? 431
                    : status == ParseStatus::expectation_failed ? 417
                                                                : 400;
  return response;
}

}  // namespace

HttpSession::HttpSession(IoThread& home, TcpSocket socket, TlsHandle tls, ConnectionPlace place)
    : home_(home),
      place_(std::move(place)),
      stream_(std::move(socket), tls.release()),
      input_(std::max<std::size_t>(kInputBytesMin, home.server().limits.header_bytes_max)),
      parser_(home.server().limits, home.server().body_budget) {
  // The stream has asked for record buffers to be freed after each record. As they are wiped then,
  // 16 KB each, that costs more than parsing; check_deadline() frees those of idle connections.
  SSL_clear_mode(stream_.native_handle(), SSL_MODE_RELEASE_BUFFERS);
}

template <class Step>
void HttpSession::guarded(Step step) noexcept {
  try {
    step();
  } catch (...) {
    abort();
  }
}

void HttpSession::enter(State state, std::uint64_t seconds_max) noexcept {
  state_ = state;
  // The clock is up to one sweep late; being generous by one second never cuts a peer short.
  deadline_seconds_ = home_.now_seconds() + seconds_max + 1;
}

void HttpSession::start(IoThread::Sessions::iterator list_position) {
  list_position_ = list_position;
  enter(State::handshaking, home_.server().limits.handshake_seconds_max);
  guarded([this] {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [self = shared_from_this()](AsioError error) {
                              self->guarded([&] { self->on_handshake(error); });
                            });
  });
}

void HttpSession::on_handshake(AsioError error) {
  if (state_ == State::closed) return;
  if (error) {
    home_.server().handshake_failures.fetch_add(1, std::memory_order_relaxed);
    return abort();
  }
  auto& server = home_.server();
  server.handshakes.fetch_add(1, std::memory_order_relaxed);
  if (SSL_session_reused(stream_.native_handle()) == 1)
    server.handshakes_resumed.fetch_add(1, std::memory_order_relaxed);
  peer_identity_ = peer_identity(stream_.native_handle());
  await_request();
}

void HttpSession::await_request() {
  continue_sent_ = false;
  if (!input_.empty()) {  // pipelined
    parser_.reset();
    enter(State::reading, home_.server().limits.request_seconds_max);
    return parse();
  }
  if (home_.draining()) return close_politely();
  enter(State::idle, home_.server().limits.idle_seconds_max);
  read_more();
}

void HttpSession::read_more() {
  const std::span<char> room = input_.prepare();
  if (room.empty()) {
    // A line or a chunk header as long as the buffer: no honest client sends that.
    return refuse(parser_.header_done() ? ParseStatus::bad_request : ParseStatus::header_too_large);
  }
  stream_.async_read_some(asio::mutable_buffer(room.data(), room.size()),
                          [self = shared_from_this()](AsioError error, std::size_t size) {
                            self->guarded([&] { self->on_read(error, size); });
                          });
}

void HttpSession::on_read(AsioError error, std::size_t size) {
  input_.commit(size);  // also when it is closed by now: the buffer wipes what it knows of
  if (state_ == State::closed) return;
  if (error || read_cancelled_) {
    // A request that came in while its idle connection was about to close is still answered.
    const bool arrived = !error && state_ == State::idle;
    const bool broken =
        error && error != asio::error::eof && error != asio::error::operation_aborted;
    if (broken) return abort();
    if (!arrived) return close_politely();
    read_cancelled_ = false;
  }
  if (state_ == State::idle) {
    parser_.reset();
    enter(State::reading, home_.server().limits.request_seconds_max);
  }
  parse();
}

void HttpSession::parse() {
  const ParseOutcome outcome = parser_.put(input_.content());
  input_.consume(outcome.consumed);
  if (outcome.status == ParseStatus::complete) return dispatch();
  if (outcome.status != ParseStatus::need_more) return refuse(outcome.status);
  const bool wants_continue = parser_.header_done() && parser_.expects_continue();
  if (wants_continue && !continue_sent_ && input_.empty()) return write_continue();
  read_more();
}

void HttpSession::write_continue() {
  continue_sent_ = true;
  // Still the request's deadline: sending this must not renew it.
  state_ = State::continuing;
  stream_.async_write_some(asio::const_buffer(kContinue.data(), kContinue.size()),
                           [self = shared_from_this()](AsioError error, std::size_t) {
                             self->guarded([&] {
                               if (self->state_ == State::closed) return;
                               if (error) return self->abort();
                               self->state_ = State::reading;
                               self->read_more();
                             });
                           });
}

void HttpSession::dispatch() {
  enter(State::handling, home_.server().limits.response_seconds_max);
  home_.count_request();
  keep_alive_ = parser_.keep_alive();
  reply_context_ = {parser_.is_head(), parser_.is_http10(), false};
  std::shared_ptr<HttpRequest> request = parser_.take();
  request->peer_address = place_.address();
  request->peer_identity = peer_identity_;
  request->thread = home_.index();
  const auto ticket =
      std::make_shared<ReplyTicket>(home_.mailbox(), weak_from_this(), ++request_number_);
  try {
    home_.server().handler(std::move(request),
                           [ticket](HttpResponse response) { ticket->reply(std::move(response)); });
  } catch (...) {
    // Nothing if it had answered before. Otherwise at once, even when it kept a copy.
    ticket->reply(internal_error_response());
  }
}

void HttpSession::reply(std::uint64_t number, HttpResponse response) {
  // Tickets answer once, so the numbers agree. A mistake here would hand one request the secret of
  // another, hence the second look.
  if (state_ != State::handling || number != request_number_) return;
  guarded([&] { send(std::move(response)); });
}

void HttpSession::refuse(ParseStatus status) {
  home_.server().requests_refused.fetch_add(1, std::memory_order_relaxed);
  enter(State::handling, home_.server().limits.response_seconds_max);
  keep_alive_ = false;
  reply_context_ = {parser_.is_head(), parser_.is_http10(), false};
  send(refusal(status));
}

void HttpSession::send(HttpResponse response) {
  // Not enter(): the deadline covers handling and writing together.
  state_ = State::writing;
  reply_context_.keep_alive = keep_alive_ && !home_.draining();
  keep_alive_ = render_response(std::move(response), reply_context_, output_);
  output_sent_ = 0;
  write_more();
}

void HttpSession::write_more() {
  // A single buffer on purpose: for a sequence the stream would copy plaintext to its stack.
  const BytesView left = output_.expose().subspan(output_sent_);
  stream_.async_write_some(asio::const_buffer(left.data(), left.size()),
                           [self = shared_from_this()](AsioError error, std::size_t size) {
                             self->guarded([&] { self->on_written(error, size); });
                           });
}

void HttpSession::on_written(AsioError error, std::size_t size) {
  if (state_ == State::closed) return;
  if (error) return abort();
  output_sent_ += size;
  if (output_sent_ < output_.size()) return write_more();
  if (output_.size() > kKeptOutputBytes) {
    output_ = SecretBytes();
  } else {
    output_.truncate(0);
  }
  if (!keep_alive_) return close_politely();
  await_request();
}

void HttpSession::check_deadline() noexcept {
  const bool drained = home_.draining() && (state_ == State::closing || state_ == State::lingering);
  if (!drained && home_.now_seconds() < deadline_seconds_) {
    const auto idle_max = home_.server().limits.idle_seconds_max;
    const bool still_idle = home_.now_seconds() + idle_max > deadline_seconds_;
    if (state_ == State::idle && still_idle) SSL_free_buffers(stream_.native_handle());
    return;
  }
  switch (state_) {
    case State::idle:
    case State::reading:
      if (read_cancelled_) return abort();
      return stop_reading();
    case State::handling:
      return guarded([this] { close_politely(); });
    case State::handshaking:
      home_.server().handshake_failures.fetch_add(1, std::memory_order_relaxed);
      return abort();
    default:
      return abort();
  }
}

void HttpSession::begin_drain() noexcept {
  if (state_ == State::handshaking) return abort();
  if (state_ == State::idle) stop_reading();
}

void HttpSession::stop_reading() noexcept {
  // The read must end before the closing message may start; on_read() goes on.
  read_cancelled_ = true;
  AsioError ignored;
  stream_.next_layer().cancel(ignored);
}

void HttpSession::close_politely() {
  enter(State::closing, kCloseSecondsMax);
  stream_.async_shutdown([self = shared_from_this()](AsioError error) {
    self->guarded([&] {
      if (self->state_ == State::closed) return;
      // An error is the usual end when the peer has more to send, for example a refused body. It
      // must get the answer even so, and a close with unread bytes would reset the connection.
      if (error) {
        AsioError ignored;
        self->stream_.next_layer().shutdown(TcpSocket::shutdown_send, ignored);
        self->state_ = State::lingering;
        return self->linger();
      }
      self->abort();
    });
  });
}

void HttpSession::linger() {
  const std::span<char> room = input_.prepare();
  if (room.empty()) {
    input_.consume(input_.content().size());
    return linger();
  }
  stream_.next_layer().async_read_some(asio::mutable_buffer(room.data(), room.size()),
                                       [self = shared_from_this()](AsioError error, std::size_t) {
                                         self->guarded([&] {
                                           if (self->state_ == State::closed) return;
                                           if (error) return self->abort();
                                           self->linger();
                                         });
                                       });
}

void HttpSession::abort() noexcept {
  if (state_ == State::closed) return;
  state_ = State::closed;
  AsioError ignored;
  stream_.next_layer().close(ignored);
  home_.forget(list_position_);
}

}  // namespace coffer::net
