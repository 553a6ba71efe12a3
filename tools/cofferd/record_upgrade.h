// Which version of records the active node writes (events/log/kafka/record_version.h): that of the
// log, until every node of the cluster has said that it reads a later one. A new vault begins with
// the latest that the node reads which makes it.
// Threads: the node's own.
#pragma once

#include <vector>

#include "events/log/kafka/kafka_event_log.h"

namespace coffer::server {

class RecordUpgrade {
 public:
  // `readable`: by this node.
  explicit RecordUpgrade(std::uint32_t readable) : readable_(readable) {}

  // The log is this node's and complete. Errors: as EventLog::append.
  [[nodiscard]] Result<void> begin(log::KafkaEventLog& log);
  // `others`: what each other node has said since, nothing of one that was not heard of. Raises the
  // log's version when all allow it; true when it was raised. Errors: as EventLog::append.
  [[nodiscard]] Result<bool> tick(log::KafkaEventLog& log,
                                  const std::vector<std::optional<std::uint32_t>>& others);
  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }

 private:
  [[nodiscard]] Result<void> raise(log::KafkaEventLog& log, std::uint32_t version);

  const std::uint32_t readable_;
  std::uint32_t version_ = log::kRecordVersionMin;
};

// The version that all of them read; of a node that was not heard of, the first one.
[[nodiscard]] std::uint32_t common_version(
    std::uint32_t own, const std::vector<std::optional<std::uint32_t>>& others) noexcept;

}  // namespace coffer::server
