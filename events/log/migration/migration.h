// Moves a whole vault between an embedded store and the topics of a cluster. Records keep their
// bytes, so chains, epochs and numbers stay; state, wrapped keys and access records come along. No
// key is opened. Both ways stream and end with a check of what was made; until that has passed, no
// server uses the result.
//
//   to_kafka     source store (read only, under its lock) -> empty topics, marked -> read back by
//                the replica's code into a scratch store -> compared -> mark taken away
//   to_embedded  topics -> claimed and marked for good -> store beside the target -> checked ->
//                renamed to the target
//
// An interrupted to_kafka leaves the mark: nodes refuse the topics, which have to be deleted. An
// interrupted to_embedded is started again. Threads: blocking, one caller.
#pragma once

#include <functional>
#include <string_view>

#include "events/codec/meta_codec.h"
#include "events/log/kafka/kafka_options.h"
#include "events/log/migration/store_check.h"

namespace coffer::log {

struct MigrationContext {
  KafkaLogOptions cluster;  // its store's directory is not used
  RocksDbOptions embedded;
  std::string folder;   // of the embedded vault, for people who meet the mark
  std::string scratch;  // folder made, used and removed; what an earlier run left is removed first
  Nonce128 nonce;       // fresh
  Timestamp now;
  std::function<void(std::string_view step)> on_step;  // before each step, a few words
};

// Refuses before anything is written, with the reason: unavailable (the server runs, no broker),
// not_found (no store, no vault), already_exists (topics with content), corrupt (damaged source,
// naming tenant and record). Later: also what Kafka says, too_large, corrupt (the copy differs).
// `accepts` may refuse the vault for reasons of its own.
using VaultFilter = std::function<Result<void>(const codec::VaultRow&)>;
[[nodiscard]] Result<StoreSummary> migrate_to_kafka(const MigrationContext& context,
                                                    const VaultFilter& accepts);

// The target's directory must not be there, or be empty. Without `owner_is_dead` the last owner
// must have released its claim; with it the claim is overruled and its lease waited for. Errors:
// unavailable (a node is active, a move into the topics is unfinished, no broker), not_found (no
// topics, no vault), already_exists (the target), corrupt.
[[nodiscard]] Result<StoreSummary> migrate_to_embedded(const MigrationContext& context,
                                                       const VaultFilter& accepts,
                                                       bool owner_is_dead);

// Takes the mark of migrate_to_embedded away. Errors: as there; not_found (there is no such mark).
[[nodiscard]] Result<void> reopen_cluster(const MigrationContext& context);

}  // namespace coffer::log
