// Bounds the memory of all request bodies of a server together: a body is read before anybody is
// authenticated, so the limit per body alone would let a few hundred peers exhaust the machine.
// Threads: any. A lease may outlive the server, it shares the budget.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace coffer::net {

class BodyBudget {
 public:
  explicit BodyBudget(std::uint64_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  [[nodiscard]] bool take(std::uint64_t bytes) noexcept {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= bytes_max_) return true;
    give_back(bytes);
    return false;
  }
  void give_back(std::uint64_t bytes) noexcept {
    used_.fetch_sub(bytes, std::memory_order_relaxed);
  }

 private:
  const std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> used_{0};
};

// What one request holds of the budget.
class BodyLease {
 public:
  // Small bodies are not counted: their sum is bounded by the number of connections.
  static constexpr std::uint64_t kFreeBytes = 64 * 1024;

  explicit BodyLease(std::shared_ptr<BodyBudget> budget) noexcept : budget_(std::move(budget)) {}
  BodyLease(const BodyLease&) = delete;
  BodyLease& operator=(const BodyLease&) = delete;
  ~BodyLease() {
    if (held_ != 0) budget_->give_back(held_);
  }

  // Makes sure that a body of `bytes` is covered; false when the budget is used up.
  [[nodiscard]] bool cover(std::uint64_t bytes) noexcept {
    if (bytes <= kFreeBytes || bytes <= held_) return true;
    // In steps, so that the shared counter is touched rarely.
    const std::uint64_t more = (bytes - held_ + kStepBytes - 1) / kStepBytes * kStepBytes;
    if (!budget_->take(more)) return false;
    held_ += more;
    return true;
  }

 private:
  static constexpr std::uint64_t kStepBytes = 256 * 1024;

  std::shared_ptr<BodyBudget> budget_;
  std::uint64_t held_ = 0;
};

}  // namespace coffer::net
