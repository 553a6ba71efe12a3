// Who should own which partition: the members of one Kafka consumer group share the partitions of a
// topic without messages, "PREFIX-owners". The group only proposes; the claims in the log decide
// (claim_rule.h), so a member that missed its own removal does no harm.
//
// A member keeps itself in the group from a background thread of the library. A killed or stopped
// one is removed after the session timeout, one that leaves at once.
// An interface, as kafka_producer.h is. Threads: one caller at a time.
#pragma once

#include <set>

#include "events/base/ids.h"
#include "events/log/kafka/kafka_client.h"
#include "events/log/kafka/kafka_topics.h"

namespace coffer::log {

struct OwnershipOptions {
  KafkaClientOptions client;
  std::string prefix = "coffer";        // of the topic; also names the group
  Milliseconds session_timeout{2'000};  // at least the broker's group.min.session.timeout.ms
  Milliseconds heartbeat{500};
};

class OwnershipGroup {
 public:
  OwnershipGroup() = default;
  OwnershipGroup(const OwnershipGroup&) = delete;
  OwnershipGroup& operator=(const OwnershipGroup&) = delete;
  virtual ~OwnershipGroup() = default;  // leaves, within the client's shutdown timeout

  // Joins; the topic must exist (ensure_topics makes it). Errors: invalid_argument, unavailable.
  [[nodiscard]] static Result<std::unique_ptr<OwnershipGroup>> join(
      const OwnershipOptions& options);

  struct Change {
    std::set<PartitionId> gained;
    std::set<PartitionId> lost;
    bool removed = false;  // the group has given them to others already: hand over nothing
  };
  // What the group asks for since the last call, waiting up to `timeout`; it must be called at
  // least every few minutes. A change with losses has to be answered by confirm_lost() once this
  // member has stopped owning them: until then the group gives them to nobody, unless `removed`.
  [[nodiscard]] virtual Result<std::optional<Change>> poll(Milliseconds timeout) = 0;
  virtual void confirm_lost() = 0;
};

}  // namespace coffer::log
