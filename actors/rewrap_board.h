// What all tenants' re-wraps share: the pace of them together, and where each one stands as far as
// the keyring does not say it. Thread-safe.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "events/base/ids.h"

namespace coffer::actors {

// Bounds the re-wraps of the whole process: the HSM and the log serve requests first.
class RewrapPace {
 public:
  // 0: no bound.
  explicit RewrapPace(std::uint64_t per_second) : per_second_(per_second) {}

  // How long to wait after `count` re-wraps before the next ones.
  [[nodiscard]] std::chrono::nanoseconds after(std::uint64_t count, std::int64_t now_ns) {
    if (per_second_ == 0) return std::chrono::nanoseconds{0};
    const std::lock_guard lock(mutex_);
    const auto span = static_cast<std::int64_t>(count * 1'000'000'000 / per_second_);
    free_ns_ = std::max(free_ns_, now_ns) + span;
    return std::chrono::nanoseconds{free_ns_ - now_ns};
  }

 private:
  const std::uint64_t per_second_;
  std::mutex mutex_;
  std::int64_t free_ns_ = 0;
};

struct RewrapNote {
  std::optional<std::uint64_t> left;  // blobs under the old key when they were counted last
  std::uint64_t rewrapped = 0;        // since then
  std::string problem;                // why it does not go on; no secrets
};

class RewrapBoard {
 public:
  [[nodiscard]] RewrapNote find(const TenantId& tenant) const {
    const std::lock_guard lock(mutex_);
    const auto found = notes_.find(tenant);
    return found == notes_.end() ? RewrapNote{} : found->second;
  }
  void set(const TenantId& tenant, RewrapNote note) {
    const std::lock_guard lock(mutex_);
    notes_[tenant] = std::move(note);
  }
  void erase(const TenantId& tenant) {
    const std::lock_guard lock(mutex_);
    notes_.erase(tenant);
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<TenantId, RewrapNote> notes_;
};

}  // namespace coffer::actors
