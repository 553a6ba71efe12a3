#include "hsm/system_clock.h"

#include <chrono>

namespace coffer::hsm {
namespace {

template <class SomeClock>
std::int64_t nanoseconds() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(SomeClock::now().time_since_epoch())
      .count();
}

}  // namespace

Timestamp SystemClock::now() const noexcept {
  return {nanoseconds<std::chrono::system_clock>()};
}

std::int64_t SystemClock::monotonic_ns() const noexcept {
  return nanoseconds<std::chrono::steady_clock>();
}

}  // namespace coffer::hsm
