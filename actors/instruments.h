// What the actors count for the operator, beside actor_stats.h: the log's commits and the like.
// One object may serve several runtimes one after the other, so that counts outlive a take-over.
// Thread-safe.
#pragma once

#include <cstdint>

#include "events/base/instruments.h"

namespace coffer::actors {

enum class Count : std::uint8_t {
  commit_failures,        // appends that the log refused
  commit_event_records,   // records that became durable
  commit_access_records,  // the same, of the access log
  commit_bytes,           // of records and rows, as handed to the log
  access_trims,           // runs of the access log's retention that dropped something
  access_records_trimmed,
  access_records_collapsed,  // refused requests that were counted instead of recorded singly
  secret_actors_woken,
  secret_actors_passivated,
  keys_rewrapped,
  last
};

struct Instruments {
  static constexpr std::uint64_t kBatchBounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096};

  HistogramArray commit_ns{1, kLatencyBoundsNs};
  HistogramArray commit_jobs{1, kBatchBounds};  // writers that shared a commit
  CounterArray counts{static_cast<std::size_t>(Count::last)};

  void add(Count count, std::uint64_t amount = 1) noexcept {
    counts.add(static_cast<std::size_t>(count), amount);
  }
  [[nodiscard]] std::uint64_t value(Count count) const noexcept {
    return counts.value(static_cast<std::size_t>(count));
  }
};

}  // namespace coffer::actors
