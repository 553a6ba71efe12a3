#include "events/log/row_replacement.h"

#include <algorithm>

namespace coffer::log {
namespace {

bool is_below(const PrefixDelete& range, Family family, const Bytes& key) {
  return range.family == family && key.size() >= range.prefix.size() &&
         std::equal(range.prefix.begin(), range.prefix.end(), key.begin());
}

}  // namespace

RowReplacement::RowReplacement(std::span<const Append> batch)
    : active_(std::any_of(batch.begin(), batch.end(),
                          [](const Append& element) { return !element.replacements.empty(); })) {}

void RowReplacement::note(const Append& element) {
  if (!active_) return;
  for (const auto& change : element.changes) rows_[{change.family, change.key}] = change.value;
  for (const auto& range : element.prefix_deletes) {
    std::erase_if(
        rows_, [&](const auto& row) { return is_below(range, row.first.first, row.first.second); });
    deleted_.push_back(range);
  }
}

Result<bool> RowReplacement::holds(const StateReader& store, const Replacement& replacement) {
  const RowName name{replacement.family, replacement.key};
  std::optional<Bytes> now;
  if (const auto noted = rows_.find(name); noted != rows_.end()) {
    now = noted->second;
  } else if (std::none_of(deleted_.begin(), deleted_.end(), [&](const PrefixDelete& range) {
               return is_below(range, replacement.family, replacement.key);
             })) {
    COFFER_ASSIGN(now, store.get(replacement.family, replacement.key));
  }
  if (now != replacement.expected) return false;
  rows_[name] = replacement.value;
  return true;
}

}  // namespace coffer::log
