#include <filesystem>

#include <fmt/format.h>

#include "events/log/kafka/kafka_event_log.h"
#include "events/log/kafka/migration_mark.h"
#include "events/log/meta_rows.h"
#include "events/log/migration/migration.h"
#include "events/log/migration/work_folder.h"
#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

constexpr PartitionId kPartition = 0;
constexpr const char* kNode = "migration";

// Free, and with a place to be renamed to.
Result<void> prepare_target(const std::string& directory) {
  std::error_code error;
  if (std::filesystem::exists(directory, error) && !std::filesystem::is_empty(directory, error))
    return fail(
        ErrorCode::already_exists,
        fmt::format("{} is not empty: the vault needs a data folder without a store", directory));
  std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
  if (error)
    return fail(ErrorCode::unavailable,
                fmt::format("cannot make the folder of {}: {}", directory, error.message()));
  return {};
}

KafkaLogOptions options_in(const KafkaLogOptions& cluster, const std::string& directory) {
  auto options = cluster;
  options.store.directory = directory;
  options.node = kNode;
  options.takes_marked_vault = true;
  return options;
}

Result<std::unique_ptr<KafkaReplica>> read_topics(const KafkaLogOptions& options) {
  COFFER_ASSIGN(const bool there, topics_exist(options.client, options.topics.prefix));
  if (!there)
    return fail(ErrorCode::not_found,
                fmt::format("there are no topics with the prefix {}", options.topics.prefix));
  COFFER_ASSIGN(auto replica, KafkaReplica::open(options));
  COFFER_TRY(replica->catch_up(kPartition));
  return replica;
}

Result<void> check_owner(const KafkaReplica& replica, bool owner_is_dead) {
  const auto& place = replica.place(kPartition);
  // A claim of this tool is one of an interrupted run.
  if (place.events_claim.released || place.owner == kNode || owner_is_dead) return {};
  return fail(ErrorCode::unavailable,
              fmt::format("node {} has not released the vault: stop all nodes (SIGTERM, the active "
                          "one last); if it died, say --owner-is-dead",
                          place.owner));
}

// A move out of the topics that was begun before may be begun again.
Result<void> refuse_unfinished(const KafkaReplica& replica) {
  COFFER_ASSIGN(const auto mark, read_migration_mark(replica.state()));
  if (mark && mark->direction == codec::MigrationDirection::to_kafka)
    return refuse_marked_vault(replica.state(), replica.topics());
  return {};
}

Result<void> check_vault(const StateReader& state, const VaultFilter& accepts) {
  COFFER_ASSIGN(const auto row, state.get(Family::meta, meta_row("vault")));
  if (!row) return fail(ErrorCode::not_found, "the topics hold no vault");
  COFFER_ASSIGN(const auto vault, codec::decode_vault_row(*row));
  return accepts(vault);
}

// Sets or removes the mark as the owner of the partition, and hands it over. Every other owner is
// overruled by the claim before that, and every later one meets the mark.
Result<void> write_mark(std::unique_ptr<KafkaReplica> replica, const Nonce128& nonce,
                        std::optional<Bytes> mark) {
  COFFER_ASSIGN(const auto log, KafkaEventLog::take_over(std::move(replica), nonce));
  std::vector<Append> batch(1);
  batch[0].partition = kPartition;
  batch[0].changes.push_back({Family::meta, meta_row(kMigrationRow), std::move(mark), false});
  COFFER_TRY(log->append(batch));
  return log->release();
}

// From a replica's store to one that the embedded engine opens: its next claim is above all of the
// cluster's.
Result<void> make_embedded(RocksDbState& state) {
  COFFER_ASSIGN(const auto place, load_place(state, kPartition));
  if (place.missing > 0)
    return fail(ErrorCode::corrupt, "wrapped keys that the state refers to are not in the topics");
  RocksDbBatch batch(state);
  for (const auto prefix : {kReplicaPlaceRows, kMissingKeyRows})
    batch.erase_prefix({Family::meta, meta_row(prefix)});
  batch.erase(Family::meta, meta_row(kMigrationRow));
  Bytes epoch;
  append_u64(epoch, std::max(place.events_claim.epoch, place.access_claim.epoch));
  batch.put(Family::meta, meta_row(kClaimEpochRow), epoch);
  COFFER_TRY(state.write(batch, true));
  // Keys that were destroyed in the cluster may be in the files: they were read with the topics.
  return state.shred_deleted_keys();
}

// Walks through the store as the topics made it and as the embedded engine will find it.
Result<StoreSummary> convert(const RocksDbOptions& options) {
  StoreSummary before;
  {
    RocksDbState state(options);
    COFFER_TRY(state.open());
    COFFER_ASSIGN(before, check_store(state));
    COFFER_TRY(make_embedded(state));
  }
  RocksDbState state(options);
  COFFER_TRY(state.open_read_only());
  COFFER_ASSIGN(const auto after, check_store(state));
  if (after == before) return after;
  return fail(ErrorCode::corrupt, "the embedded store differs from what the topics hold");
}

}  // namespace

Result<StoreSummary> migrate_to_embedded(const MigrationContext& context,
                                         const VaultFilter& accepts, bool owner_is_dead) {
  COFFER_TRY(prepare_target(context.embedded.directory));
  context.on_step("reading the topics");
  COFFER_ASSIGN(auto folder, WorkFolder::make(context.scratch));
  const auto options = options_in(context.cluster, folder.path());
  {
    COFFER_ASSIGN(auto replica, read_topics(options));
    COFFER_TRY(refuse_unfinished(*replica));
    COFFER_TRY(check_vault(replica->state(), accepts));
    COFFER_TRY(check_owner(*replica, owner_is_dead));
    context.on_step("taking the vault from the nodes");
    COFFER_TRY(write_mark(std::move(replica), context.nonce,
                          codec::encode_migration_row({codec::MigrationDirection::to_embedded,
                                                       context.now, context.folder})));
  }
  context.on_step("checking the store");
  auto store = context.embedded;
  store.directory = folder.path();
  COFFER_ASSIGN(const auto summary, convert(store));
  COFFER_TRY(prepare_target(context.embedded.directory));
  COFFER_TRY(folder.keep_as(context.embedded.directory));
  return summary;
}

Result<void> reopen_cluster(const MigrationContext& context) {
  context.on_step("reading the topics");
  COFFER_ASSIGN(const auto folder, WorkFolder::make(context.scratch));
  COFFER_ASSIGN(auto replica, read_topics(options_in(context.cluster, folder.path())));
  COFFER_TRY(refuse_unfinished(*replica));
  COFFER_ASSIGN(const auto mark, read_migration_mark(replica->state()));
  if (!mark) return fail(ErrorCode::not_found, "the vault was not moved out of these topics");
  COFFER_TRY(check_owner(*replica, false));
  context.on_step("giving the vault back to the nodes");
  return write_mark(std::move(replica), context.nonce, std::nullopt);
}

}  // namespace coffer::log
