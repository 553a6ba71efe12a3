// Who keeps crashing: three crashes within a minute, and a key rests for five minutes. Part of a
// supervising actor and used only inside it. Times are monotonic nanoseconds.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>

namespace coffer::actors {

template <class Key, class Hash = std::hash<Key>>
class Quarantine {
 public:
  void note_crash(const Key& key, std::int64_t now_ns) {
    auto& crashes = crashes_[key];
    if (now_ns - crashes.since_ns > kWindowNs) crashes = {};
    if (crashes.count == 0) crashes.since_ns = now_ns;
    if (++crashes.count >= kCrashesMax) crashes.until_ns = now_ns + kRestNs;
  }
  [[nodiscard]] bool holds(const Key& key, std::int64_t now_ns) const {
    const auto found = crashes_.find(key);
    return found != crashes_.end() && now_ns < found->second.until_ns;
  }
  void forget_old(std::int64_t now_ns) {
    std::erase_if(crashes_, [now_ns](const auto& item) {
      return now_ns - item.second.since_ns > kWindowNs && now_ns >= item.second.until_ns;
    });
  }

 private:
  static constexpr unsigned kCrashesMax = 3;
  static constexpr std::int64_t kWindowNs = 60'000'000'000;
  static constexpr std::int64_t kRestNs = 300'000'000'000;
  struct Crashes {
    unsigned count = 0;
    std::int64_t since_ns = 0;
    std::int64_t until_ns = 0;
  };
  std::unordered_map<Key, Crashes, Hash> crashes_;
};

}  // namespace coffer::actors
