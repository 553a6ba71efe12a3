#include "events/audit/refusal_collapser.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace coffer::audit {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

// Rounds down for times before 1970 too, so that every second is equally long.
std::int64_t second_of(Timestamp time) {
  const auto second = time.seconds();
  return time.ns % kNsPerSecond < 0 ? second - 1 : second;
}

std::size_t status_class_of(int status) {
  return status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100) : 0;
}

}  // namespace

RefusalCollapser::Verdict RefusalCollapser::note(std::string_view source,
                                                 std::string_view operation_class, int status,
                                                 Timestamp now) {
  auto& entry = source_in(second_at(second_of(now)), source);
  if (entry.recorded < limit_) {
    ++entry.recorded;
    return Verdict::record;
  }
  add(entry.by_status_class[status_class_of(status)], operation_class, 1);
  return Verdict::collapsed;
}

std::vector<CollapsedCount> RefusalCollapser::take_finished(Timestamp now) {
  std::vector<CollapsedCount> finished;
  const auto end = seconds_.lower_bound(second_of(now));
  for (auto at = seconds_.begin(); at != end; ++at) {
    for (const auto& [name, source] : at->second.sources) {
      append_counts(at->first, name, source, finished);
    }
    append_counts(at->first, kOtherSources, at->second.other, finished);
  }
  seconds_.erase(seconds_.begin(), end);
  return finished;
}

void RefusalCollapser::add(Tally& tally, std::string_view operation_class, std::uint64_t count) {
  if (count == 0) return;
  if (tally.count == 0) {
    tally.operation_class = operation_class;
  } else if (tally.operation_class != operation_class) {
    tally.operation_class = kMixedOperations;
  }
  tally.count += count;
}

void RefusalCollapser::append_counts(std::int64_t second, std::string_view name,
                                     const Source& source, std::vector<CollapsedCount>& out) {
  for (std::size_t status_class = 0; status_class < source.by_status_class.size(); ++status_class) {
    const auto& tally = source.by_status_class[status_class];
    // In several parts when it exceeds what one record can hold.
    for (std::uint64_t left = tally.count; left != 0;) {
      const auto part = std::min<std::uint64_t>(left, std::numeric_limits<std::uint32_t>::max());
      out.push_back({std::string(name), Timestamp{second * kNsPerSecond},
                     static_cast<int>(status_class), tally.operation_class,
                     static_cast<std::uint32_t>(part)});
      left -= part;
    }
  }
}

RefusalCollapser::Second& RefusalCollapser::second_at(std::int64_t second) {
  if (const auto found = seconds_.find(second); found != seconds_.end()) return found->second;
  if (seconds_.size() >= kSecondsKept) merge_oldest();
  return seconds_[second];
}

RefusalCollapser::Source& RefusalCollapser::source_in(Second& second, std::string_view name) const {
  if (const auto found = second.sources.find(name); found != second.sources.end()) {
    return found->second;
  }
  if (second.sources.size() >= sources_max_) return second.other;
  return second.sources.emplace(name, Source{}).first->second;
}

void RefusalCollapser::merge_oldest() {
  const auto oldest = seconds_.begin();
  auto& target = std::next(oldest)->second.other;
  const auto merge = [&](const Source& source) {
    for (std::size_t i = 0; i < source.by_status_class.size(); ++i) {
      const auto& tally = source.by_status_class[i];
      add(target.by_status_class[i], tally.operation_class, tally.count);
    }
  };
  for (const auto& [name, source] : oldest->second.sources) merge(source);
  merge(oldest->second.other);
  seconds_.erase(oldest);
}

}  // namespace coffer::audit
