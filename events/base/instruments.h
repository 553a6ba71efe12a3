// Counters and histograms for the request path: an observation is one or two relaxed additions to a
// line of memory that few other threads touch, never a lock. Readers get a recent picture, not a
// cut. Values only grow; what they mean, their names and units in the outside world are their
// reader's business.
// Threads: all of it from any, but the constructors. Memory: kShards times the values.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coffer {

// A fixed number of counters.
class CounterArray {
 public:
  explicit CounterArray(std::size_t count);

  void add(std::size_t index, std::uint64_t amount = 1) noexcept {
    cells_[shard() * stride_ + index].fetch_add(amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value(std::size_t index) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

 private:
  static constexpr std::size_t kShards = 8;
  // Threads take turns.
  [[nodiscard]] static std::size_t shard() noexcept;

  std::size_t count_;
  std::size_t stride_;
  std::vector<std::atomic<std::uint64_t>> cells_;
};

// A fixed number of histograms with the same bounds.
class HistogramArray {
 public:
  // `bounds`: highest value of each bucket, ascending; the last bucket, for all above, is not among
  // them. Must outlive the array.
  HistogramArray(std::size_t count, std::span<const std::uint64_t> bounds);

  void observe(std::size_t index, std::uint64_t value) noexcept;

  struct Reading {
    std::vector<std::uint64_t> cumulative;  // observations up to each bound; the last: all of them
    std::uint64_t sum = 0;
    [[nodiscard]] std::uint64_t count() const noexcept { return cumulative.back(); }
  };
  [[nodiscard]] Reading read(std::size_t index) const;
  [[nodiscard]] std::span<const std::uint64_t> bounds() const noexcept { return bounds_; }

 private:
  [[nodiscard]] std::size_t cells_each() const noexcept { return bounds_.size() + 2; }

  std::span<const std::uint64_t> bounds_;
  CounterArray cells_;  // of each: its buckets, then the sum
};

// Nanoseconds, from 50 us to 10 s.
inline constexpr std::uint64_t kLatencyBoundsNs[] = {
    50'000,      100'000,       250'000,       500'000,       1'000'000,     2'500'000,
    5'000'000,   10'000'000,    25'000'000,    50'000'000,    100'000'000,   250'000'000,
    500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};

}  // namespace coffer
