// Rows of the family "meta" that belong to a store or its engine and are no part of the vault's
// state: each engine makes its own, and moving a vault leaves them behind. Names only.
#pragma once

#include "events/base/bytes.h"

namespace coffer::log {

inline constexpr std::string_view kFormatRow = "format";             // of the store
inline constexpr std::string_view kClaimEpochRow = "claim_epoch";    // embedded: of the last start
inline constexpr std::string_view kAccessTrimRows = "access_trim/";  // + partition
inline constexpr std::string_view kReplicaPlaceRows = "kafka/";      // + partition
inline constexpr std::string_view kMissingKeyRows = "kafka_missing/";    // + partition + row
inline constexpr std::string_view kMigrationRow = "migration";           // replicated; see codec
inline constexpr std::string_view kRecordVersionRow = "record_version";  // replicated

// True for these. Rows of "access_trim/" count too: they follow from the access log.
[[nodiscard]] inline bool is_engine_row(BytesView meta_key) noexcept {
  const auto name = as_text(meta_key);
  for (const auto prefix : {kAccessTrimRows, kReplicaPlaceRows, kMissingKeyRows})
    if (name.starts_with(prefix)) return true;
  return name == kFormatRow || name == kClaimEpochRow || name == kMigrationRow ||
         name == kRecordVersionRow;
}

}  // namespace coffer::log
