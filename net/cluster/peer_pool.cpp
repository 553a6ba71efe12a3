#include "net/cluster/peer_pool.h"

#include <algorithm>
#include <utility>

namespace coffer::net {

PeerPool::PeerPool(const PeerAddress& peer, PeerContext& context)
    : peer_(peer), context_(context), under_way_(std::make_shared<Exchange::Count>(0)) {}

PeerPool::~PeerPool() = default;

std::shared_ptr<Exchange::Count> PeerPool::try_enter() noexcept {
  // Those under way hold a connection or wait, so this bounds the queue too.
  const std::uint64_t max =
      std::uint64_t{context_.limits.connections_max} + context_.limits.queue_max;
  if (under_way() >= max) return nullptr;
  under_way_->fetch_add(1, std::memory_order_relaxed);
  return under_way_;
}

void PeerPool::submit(std::unique_ptr<Exchange> exchange) {
  if (context_.stopping) return exchange->fail_with("the node is stopping");
  if (!idle_.empty()) {
    PeerConnection* const connection = idle_.back();
    idle_.pop_back();
    return connection->start(std::move(exchange));
  }
  if (connections_.size() < context_.limits.connections_max) return open(std::move(exchange));
  waiting_.push_back(std::move(exchange));
}

void PeerPool::open(std::unique_ptr<Exchange> exchange) {
  auto connection = std::make_shared<PeerConnection>(*this, context_.io, peer_, context_.limits);
  connections_.push_back(connection);
  context_.connections_opened.fetch_add(1, std::memory_order_relaxed);
  context_.connections_open.fetch_add(1, std::memory_order_relaxed);
  if (connection->open(context_.tls, exchange)) return;
  connections_.pop_back();
  context_.connections_open.fetch_sub(1, std::memory_order_relaxed);
  exchange->fail_with("no memory for a connection");
}

std::unique_ptr<Exchange> PeerPool::next_waiting() {
  if (waiting_.empty()) return nullptr;
  std::unique_ptr<Exchange> next = std::move(waiting_.front());
  waiting_.pop_front();
  return next;
}

void PeerPool::on_idle(PeerConnection& connection) {
  if (auto next = next_waiting()) return connection.start(std::move(next));
  idle_.push_back(&connection);
}

void PeerPool::on_closed(PeerConnection& connection, std::unique_ptr<Exchange> again,
                         bool fresh) noexcept {
  std::erase(idle_, &connection);
  context_.connections_open.fetch_sub(1, std::memory_order_relaxed);
  std::erase_if(connections_, [&](const auto& held) { return held.get() == &connection; });
  // Without memory an exchange fails by being dropped.
  try {
    if (again && fresh && !context_.stopping) {
      open(std::move(again));
    } else if (again) {
      submit(std::move(again));
    }
    if (context_.stopping || connections_.size() >= context_.limits.connections_max) return;
    if (auto next = next_waiting()) submit(std::move(next));
  } catch (...) {
  }
}

void PeerPool::check_deadlines(Time now) {
  // A copy: connections that end leave the list.
  const auto connections = connections_;
  for (const auto& connection : connections) connection->check_deadlines(now);
  std::vector<std::unique_ptr<Exchange>> late;
  for (auto& exchange : waiting_) {
    if (now >= exchange->deadline()) late.push_back(std::move(exchange));
  }
  std::erase(waiting_, nullptr);
  for (auto& exchange : late) exchange->fail_with("no connection to the peer was free in time");
}

void PeerPool::abort() noexcept {
  while (!connections_.empty()) connections_.back()->abort("the node is stopping");
  while (!waiting_.empty()) next_waiting()->fail_with("the node is stopping");
}

}  // namespace coffer::net
