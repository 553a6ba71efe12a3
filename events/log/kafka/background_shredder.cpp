#include "events/log/kafka/background_shredder.h"

#include <algorithm>
#include <utility>

namespace coffer::log {

using Clock = std::chrono::steady_clock;

BackgroundShredder::~BackgroundShredder() {
  if (thread_.joinable()) thread_.join();
}

Result<void> BackgroundShredder::poll() {
  if (running_) return {};
  if (thread_.joinable()) thread_.join();
  {
    const std::lock_guard lock(mutex_);
    COFFER_TRY(std::exchange(outcome_, Result<void>{}));
    if (Clock::now() < next_run_) return {};
  }
  if (!state_.has_deleted_keys()) return {};
  running_ = true;
  thread_ = std::thread([this] { run(); });
  return {};
}

void BackgroundShredder::run() {
  const auto began = Clock::now();
  auto outcome = state_.shred_deleted_keys();
  const auto ended = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    next_run_ = ended + std::max<Clock::duration>(kPauseMin, kPausePerRun * (ended - began));
    outcome_ = std::move(outcome);
  }
  running_ = false;
}

}  // namespace coffer::log
