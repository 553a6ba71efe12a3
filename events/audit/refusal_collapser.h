// Keeps a flood of refused or unauthenticated requests from filling the access log: the first few
// of a source within a second are recorded one by one, the rest are counted and recorded as one.
// No request is lost from the account: recorded + counted == noted.
// Pure; time comes in as a value. Not thread-safe: the caller serialises.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/time.h"

namespace coffer::audit {

// What became of the requests of one source that were not recorded singly.
struct CollapsedCount {
  std::string source;           // kOtherSources for the shared bucket
  Timestamp second;             // its beginning
  int status_class = 0;         // 4 for 4xx; 0 when the status was no HTTP status
  std::string operation_class;  // kMixedOperations when they differed
  std::uint32_t count = 0;
  friend bool operator==(const CollapsedCount&, const CollapsedCount&) = default;
};

class RefusalCollapser {
 public:
  enum class Verdict { record, collapsed };

  static constexpr std::string_view kOtherSources = "other";
  static constexpr std::string_view kMixedOperations = "mixed";

  // Memory is bounded by `sources_max` per second kept, and kSecondsKept seconds are kept. Sources
  // beyond that share one bucket, with one common `limit_per_second`.
  RefusalCollapser(std::uint32_t limit_per_second, std::size_t sources_max) noexcept
      : limit_(limit_per_second), sources_max_(sources_max) {}

  [[nodiscard]] Verdict note(std::string_view source, std::string_view operation_class, int status,
                             Timestamp now);

  // The counts of all seconds before that of `now`, ordered by second, source (the shared bucket
  // last) and status class; each is returned once. To be called about once a second: when it stays
  // away longer, the counts of the oldest second are merged into the shared bucket of the next
  // one. With the latest possible time it returns everything, as is needed before a shutdown.
  [[nodiscard]] std::vector<CollapsedCount> take_finished(Timestamp now);

  static constexpr std::size_t kSecondsKept = 4;

 private:
  struct Tally {
    std::uint64_t count = 0;
    std::string operation_class;
  };
  struct Source {
    std::uint32_t recorded = 0;
    std::array<Tally, 6> by_status_class;
  };
  struct Second {
    std::map<std::string, Source, std::less<>> sources;
    Source other;
  };

  static void add(Tally& tally, std::string_view operation_class, std::uint64_t count);
  static void append_counts(std::int64_t second, std::string_view name, const Source& source,
                            std::vector<CollapsedCount>& out);
  Second& second_at(std::int64_t second);
  Source& source_in(Second& second, std::string_view name) const;
  void merge_oldest();

  std::uint32_t limit_;
  std::size_t sources_max_;
  std::map<std::int64_t, Second> seconds_;
};

}  // namespace coffer::audit
