#include "net/http/io_thread.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "net/http/http_session.h"

namespace coffer::net {
namespace {

constexpr std::chrono::milliseconds kSweepPeriod{1000};
// While draining, somebody waits for the last connection.
constexpr std::chrono::milliseconds kDrainSweepPeriod{50};

}  // namespace

IoThread::IoThread(unsigned index, ServerContext& server)
    : index_(index),
      server_(server),
      context_(1),  // hint: run by one thread
      work_(context_.get_executor()),
      sweep_timer_(context_),
      mailbox_(std::make_shared<Mailbox>(context_)),
      started_(std::chrono::steady_clock::now()) {}

IoThread::~IoThread() {
  mailbox_->close();
}

void IoThread::start() {
  arm_sweep();
  thread_ = std::thread([this] { run(); });
}

void IoThread::begin_drain() {
  asio::post(context_, [this] {
    draining_ = true;
    for_each_session([](HttpSession& session) { session.begin_drain(); });
    arm_sweep();
  });
}

void IoThread::abort_all() {
  asio::post(context_, [this] {
    draining_ = true;
    ending_ = true;
    for_each_session([](HttpSession& session) { session.abort(); });
    sweep_timer_.cancel();
    work_.reset();
  });
}

void IoThread::join() {
  if (thread_.joinable()) thread_.join();
}

void IoThread::adopt(TcpSocket socket, ConnectionPlace place) {
  if (draining_) return;
  TlsHandle tls = server_.tls.new_connection();
  if (!tls) return;
  auto session =
      std::make_shared<HttpSession>(*this, std::move(socket), std::move(tls), std::move(place));
  sessions_.push_front(session);
  session->start(sessions_.begin());
}

void IoThread::run() noexcept {
  mailbox_->bind_to_this_thread();
  // Handlers catch what they can answer for. What still arrives here (no memory, in a place without
  // a request) concerns one connection, and its deadline removes it.
  for (;;) {
    try {
      context_.run();
      return;
    } catch (...) {
    }
  }
}

void IoThread::arm_sweep() {
  sweep_timer_.expires_after(draining_ ? kDrainSweepPeriod : kSweepPeriod);
  sweep_timer_.async_wait([this](AsioError error) {
    if (!error && !ending_) sweep();
  });
}

void IoThread::sweep() {
  arm_sweep();
  const auto elapsed = std::chrono::steady_clock::now() - started_;
  now_seconds_ =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(elapsed).count());
  for_each_session([](HttpSession& session) { session.check_deadline(); });
}

template <class Visit>
void IoThread::for_each_session(Visit visit) {
  for (auto next = sessions_.begin(); next != sessions_.end();) {
    // The visit may remove this session, never another one.
    const std::shared_ptr<HttpSession> session = *next++;
    visit(*session);
  }
}

}  // namespace coffer::net
