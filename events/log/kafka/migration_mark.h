// The mark of a cluster whose vault is not for its nodes: it is being moved into the topics and is
// not complete, or it was moved out of them. A row of the replicated state, so every node has it
// before it could take over. Set and taken away by events/log/migration.
#pragma once

#include <optional>

#include "events/codec/meta_codec.h"
#include "events/log/event_log.h"
#include "events/log/kafka/kafka_topics.h"

namespace coffer::log {

[[nodiscard]] Result<std::optional<codec::MigrationRow>> read_migration_mark(
    const StateReader& state);

// unavailable, with what to do, when there is a mark.
[[nodiscard]] Result<void> refuse_marked_vault(const StateReader& state,
                                               const KafkaTopicNames& topics);

}  // namespace coffer::log
