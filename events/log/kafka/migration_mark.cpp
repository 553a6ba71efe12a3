#include "events/log/kafka/migration_mark.h"

#include <fmt/format.h>

#include "events/log/meta_rows.h"
#include "events/log/state_keys.h"

namespace coffer::log {

Result<std::optional<codec::MigrationRow>> read_migration_mark(const StateReader& state) {
  COFFER_ASSIGN(const auto stored, state.get(Family::meta, meta_row(kMigrationRow)));
  if (!stored) return std::optional<codec::MigrationRow>{};
  COFFER_ASSIGN(auto row, codec::decode_migration_row(*stored));
  return std::optional<codec::MigrationRow>{std::move(row)};
}

Result<void> refuse_marked_vault(const StateReader& state, const KafkaTopicNames& topics) {
  COFFER_ASSIGN(const auto mark, read_migration_mark(state));
  if (!mark) return {};
  const auto since = to_rfc3339(mark->began);
  if (mark->direction == codec::MigrationDirection::to_kafka)
    return fail(ErrorCode::unavailable,
                fmt::format("the vault of {} is being moved into the topics since {}; if that was "
                            "interrupted, delete the topics {}, {} and {} and start `coffer "
                            "migrate to-kafka` again",
                            mark->folder, since, topics.events, topics.access, topics.keys));
  return fail(ErrorCode::unavailable,
              fmt::format("the vault was moved to the embedded one in {} on {}; if it is not used "
                          "there, `coffer migrate reopen` gives it back to the cluster",
                          mark->folder, since));
}

}  // namespace coffer::log
