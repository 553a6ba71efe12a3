// The time during which the owner of a partition may answer from its own state without asking
// Kafka: counted from the sending of the last record that was acknowledged without a gap, since
// whoever claimed the partition later waits at least so long before it answers anything.
// Only the process's monotonic clock is used; the waiting side adds a margin for the difference in
// speed of two machines' clocks. Threads: one at a time.
#pragma once

#include <algorithm>
#include <chrono>

#include "events/log/kafka/kafka_client.h"

namespace coffer::log {

class Lease {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;

  Lease() = default;
  explicit Lease(Milliseconds length) : length_(length) {}

  // A record sent at `sent_at` was acknowledged, and no foreign record lies before it.
  void renew(Time sent_at) noexcept { ends_ = std::max(ends_, sent_at + length_); }
  [[nodiscard]] bool valid(Time now) const noexcept { return now < ends_; }
  [[nodiscard]] bool runs_out(Time now) const noexcept { return now + length_ / 3 >= ends_; }

 private:
  Milliseconds length_{0};
  Time ends_{};
};

// When a new owner may answer: the old one sent nothing after `last_foreign`.
[[nodiscard]] inline Lease::Time lease_surely_over(Lease::Time last_foreign,
                                                   Milliseconds length) noexcept {
  return last_foreign + length + length / 10 + Milliseconds(10);
}

}  // namespace coffer::log
