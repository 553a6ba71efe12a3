// The connections to one peer and the requests that wait for one. Idle connections are used last
// in, first out, so that those a quiet time does not need grow old and close. Threads: the
// client's, but try_enter().
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "net/cluster/peer_connection.h"

namespace coffer::net {

// What the pools of one client share. Outlives them.
struct PeerContext {
  explicit PeerContext(PeerClientOptions options)
      : limits(options.limits),
        tls(options.certificate_file, options.key_file, options.authority_file) {}

  const PeerLimits limits;
  PeerTls tls;
  asio::io_context io{1};  // hint: run by one thread
  std::atomic<std::uint64_t> connections_opened{0};
  std::atomic<std::uint64_t> connections_open{0};
  bool stopping = false;  // on the client's thread
};

class PeerPool final : public PeerConnectionOwner {
 public:
  using Time = PeerConnection::Time;

  PeerPool(const PeerAddress& peer, PeerContext& context);
  PeerPool(const PeerPool&) = delete;
  PeerPool& operator=(const PeerPool&) = delete;
  ~PeerPool();  // after abort()

  // Counts one more request under way; nullptr, and nothing counted, when there are too many.
  // Threads: any, one at a time.
  [[nodiscard]] std::shared_ptr<Exchange::Count> try_enter() noexcept;
  [[nodiscard]] std::uint32_t under_way() const noexcept {
    return under_way_->load(std::memory_order_relaxed);
  }

  void submit(std::unique_ptr<Exchange> exchange);
  void check_deadlines(Time now);
  [[nodiscard]] bool has_connections() const noexcept { return !connections_.empty(); }
  // Ends everything; precondition: the context is stopping.
  void abort() noexcept;

 private:
  void on_idle(PeerConnection& connection) override;
  void on_closed(PeerConnection& connection, std::unique_ptr<Exchange> again,
                 bool fresh) noexcept override;
  void open(std::unique_ptr<Exchange> exchange);
  [[nodiscard]] std::unique_ptr<Exchange> next_waiting();

  const PeerAddress peer_;
  PeerContext& context_;
  const std::shared_ptr<Exchange::Count> under_way_;
  std::vector<std::shared_ptr<PeerConnection>> connections_;
  std::vector<PeerConnection*> idle_;
  std::deque<std::unique_ptr<Exchange>> waiting_;
};

}  // namespace coffer::net
