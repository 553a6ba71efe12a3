// What the operator sees of every living actor, from our own counters (the actor library's are
// compiled out in Debian). Counters are relaxed atomics: readers get a recent picture, not a cut.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "events/api/request_port.h"

namespace coffer::actors {

struct ActorStats {
  std::uint64_t id = 0;
  std::uint64_t parent = 0;
  std::string kind;
  std::string tenant;
  std::string name;
  std::atomic<std::uint64_t> sent = 0;
  std::atomic<std::uint64_t> processed = 0;
  std::atomic<std::uint64_t> busy_ns = 0;
  std::atomic<const char*> state = "running";

  [[nodiscard]] std::uint64_t waiting() const noexcept {
    const auto done = processed.load(std::memory_order_relaxed);
    const auto all = sent.load(std::memory_order_relaxed);
    return all > done ? all - done : 0;
  }
  void note_error(std::string text);
  [[nodiscard]] std::string last_error() const;

 private:
  mutable std::mutex mutex_;
  std::string last_error_;
};
using ActorStatsPtr = std::shared_ptr<ActorStats>;

// Counts one handled message and the time it took.
class BusyScope {
 public:
  explicit BusyScope(ActorStats& stats) noexcept;
  ~BusyScope();
  BusyScope(const BusyScope&) = delete;
  BusyScope& operator=(const BusyScope&) = delete;

 private:
  ActorStats& stats_;
  std::int64_t began_;
};

// All living actors. Thread-safe. Entries vanish with their ActorStats.
class ActorRegistry {
 public:
  ActorStatsPtr add(std::string kind, std::string tenant, std::string name, std::uint64_t parent);
  [[nodiscard]] std::vector<api::ActorInfo> list() const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t next_ = 1;
  std::unordered_map<std::uint64_t, std::weak_ptr<ActorStats>> actors_;
  std::size_t sweep_at_ = 1024;
};

}  // namespace coffer::actors
