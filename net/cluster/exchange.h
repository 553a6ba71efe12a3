// One request to a peer and the callback that gets its answer: exactly one, whatever happens.
// Threads: handed over whole; nothing of it is shared but the count of requests under way.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "net/cluster/peer_client.h"

namespace coffer::net {

class Exchange {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Count = std::atomic<std::uint32_t>;

  // `under_way` already counts this exchange and is lowered when it ends.
  Exchange(std::shared_ptr<HttpRequest> request, Time deadline, PeerCallback done,
           std::shared_ptr<Count> under_way);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();  // an unfinished one fails

  [[nodiscard]] const std::shared_ptr<HttpRequest>& request() const noexcept { return request_; }
  [[nodiscard]] Time deadline() const noexcept { return deadline_; }

  // From here on the peer may have processed the request.
  void mark_written() noexcept { written_ = true; }
  [[nodiscard]] bool written() const noexcept { return written_; }
  // True once, for a request that may be sent twice.
  [[nodiscard]] bool take_second_attempt() noexcept;

  // Lets go of the request, then calls the callback.
  void finish(Result<HttpResponse> result) noexcept;
  // By what may have happened to the request; `code_when_safe` when it had nothing to change.
  void fail_with(std::string_view why, ErrorCode code_when_safe = ErrorCode::unavailable) noexcept;

 private:
  std::shared_ptr<HttpRequest> request_;
  const Time deadline_;
  PeerCallback done_;
  std::shared_ptr<Count> under_way_;
  const bool safe_;
  bool written_ = false;
  bool second_attempt_ = false;
};

}  // namespace coffer::net
