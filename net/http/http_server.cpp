#include "net/http/http_server.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <exception>
#include <future>
#include <mutex>
#include <utility>

#include "net/http/io_thread.h"
#include "net/http/listener.h"

namespace coffer::net {
namespace {

class HttpServerImpl final : public HttpServer {
 public:
  HttpServerImpl(const HttpServerOptions& options, HttpHandler handler)
      : context_(options, std::move(handler)) {
    const unsigned threads = std::max(1U, options.threads);
    for (unsigned i = 0; i < threads; ++i) {
      threads_.push_back(std::make_unique<IoThread>(i, context_));
    }
    listener_.emplace(context_, threads_);
  }
  ~HttpServerImpl() override { stop(0); }

  Result<void> open(const HttpServerOptions& options) {
    COFFER_TRY(context_.tls.reload());
    COFFER_TRY(listener_->open(options.address, options.port));
    for (auto& thread : threads_) thread->start();
    asio::post(threads_.front()->context(), [this] { listener_->accept_next(); });
    accepting_ = true;
    return {};
  }

  [[nodiscard]] std::uint16_t port() const noexcept override { return listener_->port(); }

  void post(unsigned thread, std::function<void()> task) override {
    COFFER_CHECK(thread < threads_.size());
    threads_[thread]->mailbox()->post(std::move(task));
  }

  void stop(unsigned drain_seconds) override;

  Result<void> reload_certificate() override { return context_.tls.reload(); }

  [[nodiscard]] HttpCounters counters() const noexcept override {
    HttpCounters counters;
    counters.connections_open = context_.connections.open();
    counters.connections_refused = context_.connections.refused();
    counters.handshakes = context_.handshakes.load(std::memory_order_relaxed);
    counters.handshakes_resumed = context_.handshakes_resumed.load(std::memory_order_relaxed);
    counters.requests_refused = context_.requests_refused.load(std::memory_order_relaxed);
    counters.handshake_failures = context_.handshake_failures.load(std::memory_order_relaxed);
    for (const auto& thread : threads_) counters.requests += thread->requests();
    return counters;
  }

 private:
  void close_listener();

  ServerContext context_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::optional<Listener> listener_;
  std::mutex stop_mutex_;
  bool accepting_ = false;
  bool stopped_ = false;
};

void HttpServerImpl::stop(unsigned drain_seconds) {
  for (const auto& thread : threads_) {
    COFFER_CHECK(!thread->mailbox()->is_home());  // it would wait for itself
  }
  const std::lock_guard lock(stop_mutex_);
  if (std::exchange(stopped_, true)) return;
  // Waited for: connections accepted before it are then known to every thread's queue.
  if (accepting_) close_listener();
  if (accepting_ && drain_seconds != 0) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(drain_seconds);
    for (auto& thread : threads_) thread->begin_drain();
    context_.connections.wait_until_empty(deadline);
  }
  for (auto& thread : threads_) thread->abort_all();
  for (auto& thread : threads_) thread->join();
}

void HttpServerImpl::close_listener() {
  std::promise<void> closed;
  asio::post(threads_.front()->context(), [&] {
    listener_->close();
    closed.set_value();
  });
  closed.get_future().wait();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options,
                                                      HttpHandler handler) {
  // Starting is where the libraries may throw: no descriptors, no memory, no threads.
  try {
    auto server = std::make_unique<HttpServerImpl>(options, std::move(handler));
    COFFER_TRY(server->open(options));
    return std::unique_ptr<HttpServer>(std::move(server));
  } catch (const std::exception& error) {
    return fail(ErrorCode::unavailable, error.what());
  }
}

}  // namespace coffer::net
