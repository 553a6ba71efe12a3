#include "tools/cofferd/record_upgrade.h"

#include <algorithm>

namespace coffer::server {
namespace {

constexpr PartitionId kPartition = 0;

}  // namespace

std::uint32_t common_version(std::uint32_t own,
                             const std::vector<std::optional<std::uint32_t>>& others) noexcept {
  for (const auto& other : others) own = std::min(own, other.value_or(log::kRecordVersionMin));
  return own;
}

Result<void> RecordUpgrade::begin(log::KafkaEventLog& log) {
  COFFER_ASSIGN(const auto stored, log::read_record_version(log));
  version_ = stored.value_or(log::kRecordVersionMin);
  log.set_record_version(version_);
  const bool is_new = !stored && log.events_end(kPartition) == 0;
  return is_new ? raise(log, readable_) : Result<void>{};
}

Result<bool> RecordUpgrade::tick(log::KafkaEventLog& log,
                                 const std::vector<std::optional<std::uint32_t>>& others) {
  const auto common = common_version(readable_, others);
  if (common <= version_) return false;
  COFFER_TRY(raise(log, common));
  return true;
}

// The row first, in the old form: whoever reads the new one behind it has read the row as well.
Result<void> RecordUpgrade::raise(log::KafkaEventLog& log, std::uint32_t version) {
  if (version == version_) return {};
  auto change = log::record_version_change(version);
  COFFER_TRY(log.append(std::span(&change, 1)));
  version_ = version;
  log.set_record_version(version);
  return {};
}

}  // namespace coffer::server
