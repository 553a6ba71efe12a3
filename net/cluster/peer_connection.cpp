#include "net/cluster/peer_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "net/cluster/request_writer.h"
#include "net/http/peer_identity.h"

namespace coffer::net {
namespace {

using asio::ip::tcp;

// A body up to this goes with the head: one record, one write. A larger one is not copied.
constexpr std::size_t kJoinedBytesMax = 16 * 1024;
constexpr std::size_t kKeptOutputBytes = 64 * 1024;
constexpr std::size_t kInputBytesMin = 16 * 1024;

}  // namespace

PeerConnection::PeerConnection(PeerConnectionOwner& owner, asio::io_context& context,
                               const PeerAddress& peer, const PeerLimits& limits)
    : owner_(owner),
      context_(context),
      peer_(peer),
      limits_(limits),
      resolver_(context),
      input_(std::max<std::size_t>(kInputBytesMin, limits.answer_header_bytes_max)),
      parser_(limits.answer_header_bytes_max, limits.answer_body_bytes_max) {}

template <class Step>
void PeerConnection::guarded(Step step) noexcept {
  try {
    if (state_ != State::closed) step();
  } catch (...) {
    end("out of memory", Cause::ours);
  }
}

bool PeerConnection::open(PeerTls& tls, std::unique_ptr<Exchange>& first) {
  TlsHandle handle = tls.new_connection(*this);
  if (!handle) return false;
  stream_ = std::make_unique<Stream>(TcpSocket(context_), handle.get());
  static_cast<void>(handle.release());
  // As in net/http/http_session.cpp: wiped buffers are too dear to be freed after each record.
  SSL_clear_mode(stream_->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  exchange_ = std::move(first);
  deadline_ =
      std::min(exchange_->deadline(), std::chrono::steady_clock::now() + limits_.connect_max);
  guarded([this] { connect(); });
  return true;
}

void PeerConnection::connect() {
  AsioError error;
  const auto address = asio::ip::make_address(peer_.host, error);
  if (!error) {
    return stream_->next_layer().async_connect(
        tcp::endpoint(address, peer_.port), [self = shared_from_this()](AsioError failure) {
          self->guarded([&] { self->on_connected(failure); });
        });
  }
  resolver_.async_resolve(
      peer_.host, fmt::format("{}", peer_.port), tcp::resolver::numeric_service,
      [self = shared_from_this()](AsioError failure, tcp::resolver::results_type found) {
        self->guarded([&] {
          if (failure) return self->end("name of the peer", failure);
          asio::async_connect(self->stream_->next_layer(), found,
                              [self](AsioError refused, const tcp::endpoint&) {
                                self->guarded([&] { self->on_connected(refused); });
                              });
        });
      });
}

void PeerConnection::on_connected(AsioError error) {
  if (error) return end("connect", error);
  stream_->next_layer().set_option(tcp::no_delay(true), error);
  state_ = State::handshaking;
  stream_->async_handshake(asio::ssl::stream_base::client,
                           [self = shared_from_this()](AsioError failure) {
                             self->guarded([&] { self->on_handshake(failure); });
                           });
}

void PeerConnection::on_handshake(AsioError error) {
  if (error) return end("TLS handshake", error);
  if (!peer_has_identity(stream_->native_handle(), peer_.identity)) {
    return end("the certificate is not the expected node's", Cause::ours);
  }
  state_ = State::confirming;
  read_more();
}

void PeerConnection::on_ticket() noexcept {
  if (state_ != State::confirming) return;
  try {
    asio::post(context_, [self = shared_from_this()] {
      self->guarded([&] {
        // A peer may send several tickets.
        if (self->state_ == State::confirming) self->ask();
      });
    });
  } catch (...) {
    // Without memory for it, the deadline ends the connection.
  }
}

void PeerConnection::start(std::unique_ptr<Exchange> exchange) {
  exchange_ = std::move(exchange);
  state_ = State::starting;
  deadline_ = exchange_->deadline();
  guarded([this] {
    asio::post(context_, [self = shared_from_this()] {
      self->guarded([&] {
        if (!self->is_quiet()) return self->end("closed while idle", Cause::lost);
        self->ask();
      });
    });
  });
}

// Whether the peer has sent nothing: on an idle connection all it can say is that it ends.
bool PeerConnection::is_quiet() noexcept {
  char byte;
  const int socket = stream_->next_layer().native_handle();
  const auto size = ::recv(socket, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
  return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void PeerConnection::ask() {
  const auto now = std::chrono::steady_clock::now();
  state_ = State::asking;
  deadline_ = std::min(exchange_->deadline(), now + limits_.answer_max);
  if (now >= deadline_) return end("no time is left", Cause::ours);
  const std::shared_ptr<HttpRequest>& request = exchange_->request();
  parser_.reset(request->method == "HEAD");
  answer_started_ = false;
  render_head(*request, peer_.host, output_);
  if (request->body.size() > kJoinedBytesMax) {
    body_of_ = request;
  } else {
    output_.append(request->body.expose());
  }
  written_bytes_ = 0;
  writing_ = true;
  exchange_->mark_written();
  write_more();
}

void PeerConnection::write_more() {
  // One buffer at a time: for a sequence the stream would copy plaintext to its stack.
  const bool head_left = written_bytes_ < output_.size();
  const BytesView source = head_left ? output_.expose() : body_of_->body.expose();
  const BytesView left = source.subspan(written_bytes_ - (head_left ? 0 : output_.size()));
  stream_->async_write_some(asio::const_buffer(left.data(), left.size()),
                            [self = shared_from_this()](AsioError error, std::size_t size) {
                              self->guarded([&] { self->on_written(error, size); });
                            });
}

void PeerConnection::on_written(AsioError error, std::size_t size) {
  // The read under way sees the same end, and before it maybe an answer: a refusal that the peer
  // sent without reading on. A peer that is silent is ended by the deadline.
  if (error) {
    AsioError ignored;
    stream_->next_layer().shutdown(TcpSocket::shutdown_send, ignored);
    return;
  }
  written_bytes_ += size;
  const std::size_t total = output_.size() + (body_of_ ? body_of_->body.size() : 0);
  if (written_bytes_ < total) return write_more();
  writing_ = false;
  body_of_.reset();
  if (output_.size() > kKeptOutputBytes) {
    output_ = SecretBytes();
  } else {
    output_.truncate(0);
  }
}

void PeerConnection::read_more() {
  const std::span<char> room = input_.prepare();
  if (room.empty())
    return end("a line of the answer is too long", Cause::ours, ErrorCode::internal);
  stream_->async_read_some(asio::mutable_buffer(room.data(), room.size()),
                           [self = shared_from_this()](AsioError error, std::size_t size) {
                             // Also when it is closed by now: the buffer wipes what it knows of.
                             self->input_.commit(size);
                             self->guarded([&] { self->on_read(error, size); });
                           });
}

void PeerConnection::on_read(AsioError error, std::size_t size) {
  if (error) {
    return end(state_ == State::confirming ? "the peer refused this node" : "connection", error);
  }
  if (state_ != State::asking) return end("the peer spoke out of turn", Cause::lost);
  if (size != 0) answer_started_ = true;
  parse();
}

void PeerConnection::parse() {
  const AnswerOutcome outcome = parser_.put(input_.content());
  input_.consume(outcome.consumed);
  switch (outcome.status) {
    case AnswerStatus::need_more:
      return read_more();
    case AnswerStatus::complete:
      return complete();
    case AnswerStatus::malformed:
      return end("the answer is malformed", Cause::ours, ErrorCode::internal);
    case AnswerStatus::too_large:
      return end("the answer is too large", Cause::ours, ErrorCode::internal);
  }
}

void PeerConnection::complete() {
  const auto self = shared_from_this();
  std::unique_ptr<Exchange> exchange = std::move(exchange_);
  HttpResponse response = parser_.take();
  // Unread or unsent bytes would be taken for parts of the next exchange.
  if (!parser_.keep_alive() || writing_ || !input_.empty()) {
    end("the peer closes it", Cause::ours);
  } else {
    state_ = State::idle;
    deadline_ = std::chrono::steady_clock::now() + limits_.idle_max;
    read_more();
    if (state_ == State::idle) owner_.on_idle(*this);
  }
  exchange->finish(std::move(response));
}

void PeerConnection::check_deadlines(Time now) noexcept {
  if (state_ == State::closed || now < deadline_) return;
  switch (state_) {
    case State::confirming:
      return end("the peer did not confirm the connection in time", Cause::ours);
    case State::connecting:
    case State::handshaking:
      return end("no connection in time", Cause::ours);
    case State::idle:
      return end("idle", Cause::ours);
    default:
      return end("no answer in time", Cause::ours);
  }
}

void PeerConnection::end(const char* step, const AsioError& error) noexcept {
  try {
    end(fmt::format("{}: {}", step, error.message()), Cause::lost);
  } catch (...) {
    end(step, Cause::lost);
  }
}

void PeerConnection::end(std::string_view why, Cause cause, ErrorCode code_when_safe) noexcept {
  if (state_ == State::closed) return;
  const auto self = shared_from_this();
  const bool was_pooled = state_ == State::starting;
  const bool was_asking = state_ == State::asking;
  state_ = State::closed;
  AsioError ignored;
  resolver_.cancel();
  stream_->next_layer().close(ignored);
  std::unique_ptr<Exchange> exchange = std::move(exchange_);
  std::unique_ptr<Exchange> again;
  if (exchange && cause == Cause::lost) {
    const bool may_repeat = was_asking && !answer_started_ && exchange->take_second_attempt();
    if (was_pooled || may_repeat) again = std::move(exchange);
  }
  owner_.on_closed(*this, std::move(again), was_asking);
  if (exchange) exchange->fail_with(why, code_when_safe);
}

}  // namespace coffer::net
