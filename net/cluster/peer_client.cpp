#include "net/cluster/peer_client.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>

#include "net/cluster/peer_pool.h"
#include "net/cluster/request_writer.h"

namespace coffer::net {
namespace {

constexpr std::chrono::milliseconds kSweepPeriod{100};

// A node that moves, or gets another certificate, is another peer: its old connections grow idle.
using PeerKey = std::tuple<std::string, std::string, std::uint16_t>;

PeerKey key_of(const PeerAddress& peer) {
  return {peer.identity, peer.host, peer.port};
}

class PeerClientImpl final : public PeerClient {
 public:
  explicit PeerClientImpl(PeerClientOptions options)
      : context_(std::move(options)),
        work_(context_.io.get_executor()),
        sweep_timer_(context_.io) {}
  ~PeerClientImpl() override { stop(); }

  Result<void> open() {
    COFFER_TRY(context_.tls.reload());
    arm_sweep();
    thread_ = std::thread([this] { run(); });
    return {};
  }

  void send(const PeerAddress& peer, std::shared_ptr<HttpRequest> request,
            std::chrono::steady_clock::time_point deadline, PeerCallback done) override;
  Result<void> reload_certificate() override { return context_.tls.reload(); }
  void stop() override;
  [[nodiscard]] PeerCounters counters() const override;

 private:
  struct Entry {
    std::shared_ptr<PeerPool> pool;
    std::shared_ptr<Exchange::Count> under_way;
  };

  Result<Entry> enter(const PeerAddress& peer);
  [[nodiscard]] std::vector<std::shared_ptr<PeerPool>> pools() const;
  void run() noexcept;
  void arm_sweep();
  void sweep();

  PeerContext context_;
  asio::executor_work_guard<Executor> work_;
  SteadyTimer sweep_timer_;
  mutable std::mutex mutex_;
  std::map<PeerKey, std::shared_ptr<PeerPool>> pools_;
  bool stopped_ = false;
  std::thread thread_;
};

Result<PeerClientImpl::Entry> PeerClientImpl::enter(const PeerAddress& peer) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return fail(ErrorCode::unavailable, "forwarding failed: the node is stopping");
  auto& pool = pools_[key_of(peer)];
  if (!pool) pool = std::make_shared<PeerPool>(peer, context_);
  auto under_way = pool->try_enter();
  if (under_way) return Entry{pool, std::move(under_way)};
  return fail(ErrorCode::overloaded, "forwarding failed: too many requests wait for the peer");
}

void PeerClientImpl::send(const PeerAddress& peer, std::shared_ptr<HttpRequest> request,
                          std::chrono::steady_clock::time_point deadline, PeerCallback done) {
  if (!is_sendable(*request)) {
    return done(fail(ErrorCode::invalid_argument, "the request cannot be written as HTTP"));
  }
  auto entered = enter(peer);
  if (!entered) return done(std::move(entered).error());
  auto exchange = std::make_unique<Exchange>(std::move(request), deadline, std::move(done),
                                             entered.value().under_way);
  asio::post(context_.io, [pool = entered.value().pool, exchange = std::move(exchange)]() mutable {
    pool->submit(std::move(exchange));
  });
}

void PeerClientImpl::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  if (!thread_.joinable()) return;
  COFFER_CHECK(thread_.get_id() != std::this_thread::get_id());  // it would wait for itself
  // After every request that was accepted before.
  asio::post(context_.io, [this] {
    context_.stopping = true;
    for (const auto& pool : pools()) pool->abort();
    sweep_timer_.cancel();
    work_.reset();
  });
  thread_.join();
}

PeerCounters PeerClientImpl::counters() const {
  PeerCounters counters;
  counters.connections_opened = context_.connections_opened.load(std::memory_order_relaxed);
  counters.connections_open = context_.connections_open.load(std::memory_order_relaxed);
  for (const auto& pool : pools()) counters.requests_under_way += pool->under_way();
  return counters;
}

std::vector<std::shared_ptr<PeerPool>> PeerClientImpl::pools() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<PeerPool>> all;
  all.reserve(pools_.size());
  for (const auto& [key, pool] : pools_) all.push_back(pool);
  return all;
}

void PeerClientImpl::run() noexcept {
  // Handlers catch what they can answer for. What still arrives here (no memory, in a place without
  // a request) concerns one exchange, which has failed by being dropped.
  for (;;) {
    try {
      context_.io.run();
      return;
    } catch (...) {
    }
  }
}

void PeerClientImpl::arm_sweep() {
  sweep_timer_.expires_after(kSweepPeriod);
  sweep_timer_.async_wait([this](AsioError error) {
    if (!error && !context_.stopping) sweep();
  });
}

void PeerClientImpl::sweep() {
  arm_sweep();
  const auto now = std::chrono::steady_clock::now();
  for (const auto& pool : pools()) pool->check_deadlines(now);
  const std::lock_guard lock(mutex_);
  // Entered under the lock, so a pool without requests gets none meanwhile.
  std::erase_if(pools_, [](const auto& entry) {
    return entry.second->under_way() == 0 && !entry.second->has_connections();
  });
}

}  // namespace

Result<std::unique_ptr<PeerClient>> PeerClient::start(PeerClientOptions options) {
  // Starting is where the libraries may throw: no descriptors, no memory, no threads.
  try {
    auto client = std::make_unique<PeerClientImpl>(std::move(options));
    COFFER_TRY(client->open());
    return std::unique_ptr<PeerClient>(std::move(client));
  } catch (const std::exception& error) {
    return fail(ErrorCode::unavailable, error.what());
  }
}

}  // namespace coffer::net
