#include "events/base/instruments.h"

#include <algorithm>

namespace coffer {
namespace {

// 64-byte lines. One line more than needed, since the memory begins anywhere in one.
constexpr std::size_t kCellsOfLine = 8;

constexpr std::size_t padded(std::size_t count) noexcept {
  return (count / kCellsOfLine + 2) * kCellsOfLine;
}

}  // namespace

CounterArray::CounterArray(std::size_t count)
    : count_(count), stride_(padded(count)), cells_(kShards * stride_) {}

std::size_t CounterArray::shard() noexcept {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t own = next.fetch_add(1, std::memory_order_relaxed) % kShards;
  return own;
}

std::uint64_t CounterArray::value(std::size_t index) const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t shard = 0; shard < kShards; ++shard)
    sum += cells_[shard * stride_ + index].load(std::memory_order_relaxed);
  return sum;
}

HistogramArray::HistogramArray(std::size_t count, std::span<const std::uint64_t> bounds)
    : bounds_(bounds), cells_(count * cells_each()) {}

void HistogramArray::observe(std::size_t index, std::uint64_t value) noexcept {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  const auto first = index * cells_each();
  cells_.add(first + static_cast<std::size_t>(bucket));
  cells_.add(first + bounds_.size() + 1, value);
}

HistogramArray::Reading HistogramArray::read(std::size_t index) const {
  Reading reading;
  reading.cumulative.reserve(bounds_.size() + 1);
  const auto first = index * cells_each();
  std::uint64_t so_far = 0;
  for (std::size_t bucket = 0; bucket <= bounds_.size(); ++bucket) {
    so_far += cells_.value(first + bucket);
    reading.cumulative.push_back(so_far);
  }
  reading.sum = cells_.value(first + bounds_.size() + 1);
  return reading;
}

}  // namespace coffer
