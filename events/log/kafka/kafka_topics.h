// The topics of a cluster: made when absent, otherwise checked. A topic whose settings could lose
// what the log promises is refused with a text that names the topic, the setting and what it must
// be. Blocking; called at start only.
#pragma once

#include <functional>
#include <span>

#include "events/log/kafka/kafka_client.h"

namespace coffer::log {

struct KafkaTopicOptions {
  std::string prefix = "coffer";
  std::uint32_t partitions = 1;            // fixed for ever
  std::uint32_t replication = 3;           // of topics made here
  std::uint32_t in_sync_replicas_min = 2;  // at most `replication`
  Milliseconds access_retention{Milliseconds::rep{365} * 24 * 3600 * 1000};
  // Keys: how long a destroyed blob may stay in a segment that is not compacted yet.
  Milliseconds key_compaction_lag_max{Milliseconds::rep{24} * 3600 * 1000};
};

struct KafkaTopicNames {
  std::string events;
  std::string access;
  std::string keys;
  std::string owners;  // without messages: what the group of the nodes shares (ownership_group.h)
};
[[nodiscard]] KafkaTopicNames topic_names(const std::string& prefix);

// Whether the three topics with messages are there. Errors: unavailable.
[[nodiscard]] Result<bool> topics_exist(const KafkaClientOptions& client,
                                        const std::string& prefix);

// Errors: unavailable (no broker, no leader), invalid_argument (an existing topic does not fit).
[[nodiscard]] Result<void> ensure_topics(const KafkaClientOptions& client,
                                         const KafkaTopicOptions& options);

}  // namespace coffer::log
