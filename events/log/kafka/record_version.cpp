#include "events/log/kafka/record_version.h"

#include <fmt/format.h>

#include "events/log/meta_rows.h"
#include "events/log/state_keys.h"

namespace coffer::log {

std::uint32_t version_of(const codec::ReplicatedRecord& record) noexcept {
  return std::holds_alternative<codec::GroupBody>(record.body) ? 2 : 1;
}

Result<std::optional<std::uint32_t>> read_record_version(const StateReader& state) {
  COFFER_ASSIGN(const auto stored, state.get(Family::meta, meta_row(kRecordVersionRow)));
  if (!stored) return std::optional<std::uint32_t>{};
  if (stored->size() != sizeof(std::uint32_t))
    return fail(ErrorCode::corrupt, "the log's record version has a wrong size");
  return std::optional<std::uint32_t>{read_u32(*stored, 0)};
}

Append record_version_change(std::uint32_t version) {
  Bytes value;
  append_u32(value, version);
  Append append;
  append.changes.push_back({Family::meta, meta_row(kRecordVersionRow), std::move(value), false});
  return append;
}

Result<void> check_record_version(std::uint32_t version, std::uint32_t readable) {
  if (version <= readable) return {};
  if (readable < kRecordVersionMax)
    return fail(ErrorCode::unsupported,
                fmt::format("the log holds records of version {} and cluster.protocol_version_max "
                            "lets this node read up to {}: take that option away",
                            version, readable));
  return fail(ErrorCode::unsupported,
              fmt::format("the log holds records of version {}, this release reads up to {}: start "
                          "the release that the other nodes run",
                          version, readable));
}

Result<void> check_record_version(const StateReader& state, std::uint32_t readable) {
  COFFER_ASSIGN(const auto version, read_record_version(state));
  return check_record_version(version.value_or(kRecordVersionMin), readable);
}

}  // namespace coffer::log
