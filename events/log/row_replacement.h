// Decides whether a Replacement still holds. The store does not show yet what earlier elements of
// the same batch do to the row, so they are noted here. Costs nothing for a batch that replaces
// nothing. Threads: the appending one.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "events/log/event_log.h"

namespace coffer::log {

class RowReplacement {
 public:
  explicit RowReplacement(std::span<const Append> batch);

  // The element's own changes; to be called before its replacements are asked for.
  void note(const Append& element);
  // True when the row is to be written; its new value is noted then.
  Result<bool> holds(const StateReader& store, const Replacement& replacement);

 private:
  using RowName = std::pair<Family, Bytes>;

  bool active_ = false;
  std::map<RowName, std::optional<Bytes>> rows_;  // of this batch; absent value: deleted
  std::vector<PrefixDelete> deleted_;
};

}  // namespace coffer::log
