#include <fmt/format.h>

#include "events/log/kafka/kafka_replica.h"
#include "events/log/kafka/migration_mark.h"
#include "events/log/meta_rows.h"
#include "events/log/migration/migration.h"
#include "events/log/migration/store_compare.h"
#include "events/log/migration/vault_export.h"
#include "events/log/migration/work_folder.h"
#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

constexpr PartitionId kPartition = 0;

Result<void> check_source(const RocksDbState& source, const VaultFilter& accepts) {
  COFFER_ASSIGN(const auto places, source.scan(Family::meta, meta_row(kReplicaPlaceRows), {}, 1));
  if (!places.empty())
    return fail(ErrorCode::invalid_argument,
                "the store is a cluster node's copy, not an embedded vault's");
  COFFER_ASSIGN(const auto row, source.get(Family::meta, meta_row("vault")));
  if (!row) return fail(ErrorCode::not_found, "the store holds no vault: it was never initialised");
  COFFER_ASSIGN(const auto vault, codec::decode_vault_row(*row));
  if (vault.partitions != 1)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the vault has {} partitions; one can be moved", vault.partitions));
  return accepts(vault);
}

// A topic that had messages and lost them is not empty: its readers begin at offset 0.
Result<void> check_empty(const KafkaLogOptions& options) {
  COFFER_ASSIGN(const auto reader, KafkaReader::create(options.client));
  const auto names = topic_names(options.topics.prefix);
  for (const auto& name : {names.events, names.access, names.keys}) {
    COFFER_ASSIGN(const auto ends, reader->watermarks(name, kPartition));
    if (ends.end == 0) continue;
    return fail(ErrorCode::already_exists,
                fmt::format("the topic {} is not empty: it has another vault's records, or those "
                            "of a migration that was interrupted. Give another "
                            "kafka.topic_prefix, or, if nobody needs them, delete the topics {}, "
                            "{} and {}",
                            name, names.events, names.access, names.keys));
  }
  return {};
}

// What every node will do: from the first message to the last.
Result<void> read_back(KafkaReplica& replica, const RocksDbState& store,
                       const RocksDbState& source) {
  COFFER_TRY(replica.catch_up(kPartition));
  return compare_stores(source, store);
}

Result<void> check_finished(KafkaReplica& replica) {
  COFFER_TRY(replica.catch_up(kPartition));
  COFFER_ASSIGN(const auto mark, read_migration_mark(replica.state()));
  const auto& place = replica.place(kPartition);
  if (mark || !place.events_claim.released || !place.access_claim.released)
    return fail(ErrorCode::already_exists,
                fmt::format("{} claimed the topics before the migration was over: stop it, delete "
                            "the topics and start again",
                            place.owner));
  return {};
}

}  // namespace

Result<StoreSummary> migrate_to_kafka(const MigrationContext& context, const VaultFilter& accepts) {
  context.on_step("checking the embedded store");
  RocksDbState source(context.embedded);
  if (const auto opened = source.open_read_only(); !opened) {
    if (opened.error().code != ErrorCode::unavailable) return opened.error();
    return fail(ErrorCode::unavailable,
                fmt::format("stop the embedded server first ({})", opened.error().message));
  }
  COFFER_TRY(check_source(source, accepts));
  COFFER_ASSIGN(const auto summary, check_store(source));

  context.on_step("checking the topics");
  COFFER_TRY(ensure_topics(context.cluster.client, context.cluster.topics));
  COFFER_TRY(check_empty(context.cluster));

  COFFER_ASSIGN(const auto target,
                VaultExport::start(source, context.cluster, summary.last_epoch, context.nonce));
  context.on_step("writing the records");
  COFFER_TRY(
      target->write_events({codec::MigrationDirection::to_kafka, context.now, context.folder}));
  context.on_step("writing the access records");
  COFFER_TRY(target->write_access());
  context.on_step("writing the state and the wrapped keys");
  COFFER_TRY(target->write_rows());

  context.on_step("reading everything back and comparing");
  COFFER_ASSIGN(const auto scratch, WorkFolder::make(context.scratch));
  auto options = context.cluster;
  options.store.directory = scratch.path();
  std::shared_ptr<RocksDbState> store;
  COFFER_ASSIGN(const auto replica,
                KafkaReplica::open(options, kafka_environment(options, [&](const auto& opened) {
                                     store = opened;
                                   })));
  COFFER_TRY(read_back(*replica, *store, source));
  COFFER_TRY(target->finish());
  COFFER_TRY(check_finished(*replica));
  return summary;
}

}  // namespace coffer::log
