// Ports through which time and randomness enter. Each has a simulated twin in tests/support.
#pragma once

#include <cstdint>
#include <span>

#include "events/base/time.h"

namespace coffer {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Timestamp now() const noexcept = 0;              // wall clock
  [[nodiscard]] virtual std::int64_t monotonic_ns() const noexcept = 0;  // never goes back
};

// Cryptographic randomness. Thread-safe. fill() never returns short: it aborts the process when the
// system has no randomness, since nothing safe can follow.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) noexcept = 0;
};

template <class Id>
[[nodiscard]] Id random_id(Random& random) noexcept {
  Id id;
  random.fill(id.bytes);
  return id;
}

}  // namespace coffer
