// Versions of what stands in the topics, and which one the nodes of a cluster may write. Nodes of
// two releases run side by side while a cluster is upgraded, so a release writes the newest version
// only when all nodes can read it, and remembers that in the log itself.
//
//   1  a message for each command
//   2  several commands may share a message (codec::GroupBody)
//
// A row of the replicated state says which versions the log may hold. It is raised, never lowered,
// before the first message of the version is written; without the row it is 1. Whoever cannot read
// that version stops with an error: `unsupported`, for good. Pure but for the store; Threads: any.
#pragma once

#include <optional>

#include "events/codec/replicated_codec.h"
#include "events/log/event_log.h"

namespace coffer::log {

inline constexpr std::uint32_t kRecordVersionMin = 1;
inline constexpr std::uint32_t kRecordVersionMax = 2;  // of this release

// The lowest version in which the record can stand.
[[nodiscard]] std::uint32_t version_of(const codec::ReplicatedRecord& record) noexcept;

// Nothing: the row is not there. Error: corrupt.
[[nodiscard]] Result<std::optional<std::uint32_t>> read_record_version(const StateReader& state);
// What raises it: a command of its own.
[[nodiscard]] Append record_version_change(std::uint32_t version);

// unsupported, with what to do, when `version` is above `readable`.
[[nodiscard]] Result<void> check_record_version(std::uint32_t version, std::uint32_t readable);
[[nodiscard]] Result<void> check_record_version(const StateReader& state, std::uint32_t readable);

}  // namespace coffer::log
