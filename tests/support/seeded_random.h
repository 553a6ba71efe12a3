// A Random whose bytes follow from a seed (splitmix64). Thread-safe; the order of callers decides
// who gets which bytes, so runs repeat only where the order does.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>

#include "events/base/ports.h"

namespace coffer::testing {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) noexcept : state_(seed) {}

  void fill(std::span<std::uint8_t> out) noexcept override {
    const std::lock_guard lock(mutex_);
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) word = next();
      out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
    }
  }
  // A number below `bound` (at least 1).
  std::uint64_t below(std::uint64_t bound) noexcept {
    const std::lock_guard lock(mutex_);
    return next() % bound;
  }

 private:
  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  std::mutex mutex_;
  std::uint64_t state_;
};

}  // namespace coffer::testing
