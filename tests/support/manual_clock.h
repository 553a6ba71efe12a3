// A clock that a test moves by hand. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>

#include "events/base/ports.h"

namespace coffer::testing {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const noexcept override { return {ns_.load() + jumped_.load()}; }
  [[nodiscard]] std::int64_t monotonic_ns() const noexcept override { return ns_.load(); }
  void advance(std::chrono::nanoseconds span) noexcept { ns_ += span.count(); }
  // The wall clock is set forward or back; the monotonic one does not notice.
  void jump(std::chrono::nanoseconds span) noexcept { jumped_ += span.count(); }

 private:
  std::atomic<std::int64_t> jumped_{0};
  std::atomic<std::int64_t> ns_{1'700'000'000'000'000'000};
};

}  // namespace coffer::testing
