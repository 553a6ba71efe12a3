// Removes deleted keys from the files of a store that only follows: an owner shreds before it
// answers a destroy, on a follower nobody waits for it. A thread of its own, so that applying the
// log goes on; the pause between two runs grows with their length, so that a store whose keys are
// always being deleted is not always being rewritten.
//
// Threads: one caller; the store may be used meanwhile and has to outlive this object. The store
// may become the owner's while a run is under way.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "events/log/state_store.h"

namespace coffer::log {

class BackgroundShredder {
 public:
  static constexpr std::chrono::milliseconds kPauseMin{2'000};
  static constexpr int kPausePerRun = 4;  // times the length of the last run: a fifth of the time

  explicit BackgroundShredder(StateStore& state) : state_(state) {}
  ~BackgroundShredder();  // waits for the end of a run
  BackgroundShredder(const BackgroundShredder&) = delete;
  BackgroundShredder& operator=(const BackgroundShredder&) = delete;

  // Starts a run when one is due and returns at once. The error of a run is returned once, by a
  // later call; what it left is tried again after the pause.
  [[nodiscard]] Result<void> poll();

 private:
  void run();

  StateStore& state_;
  std::thread thread_;
  std::atomic<bool> running_ = false;
  std::mutex mutex_;  // guards what follows
  std::chrono::steady_clock::time_point next_run_{};
  Result<void> outcome_;
};

}  // namespace coffer::log
