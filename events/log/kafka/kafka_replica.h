// A node's copy of its partitions: reads the topics, applies what counts to the local store, and
// knows how far it is. A follower is just this; the owner's log (kafka_event_log.h) is one that
// also writes. A wiped store is filled again from the beginning of the topics, its chains checked
// on the way.
//
// What is where: the topic "events" is the truth about state and history and is kept for ever; the
// topic "keys" holds the wrapped keys that rows of the state refer to; the topic "access" is the
// truth about access records for its retention time, of which the store keeps what its own trimming
// leaves. A store that was wiped has no older access records than the topic, and reports the rest
// as trimmed.
//
// Threads: one caller at a time, except state(), whose const functions any thread may call.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "events/log/kafka/background_shredder.h"
#include "events/log/kafka/kafka_environment.h"
#include "events/log/kafka/key_stage.h"
#include "events/log/kafka/record_applier.h"

namespace coffer::log {

struct ReplicaProgress {
  std::uint64_t events_next = 0;   // offset of the next message to apply
  std::uint64_t events_end = 0;    // behind the last message of the topic "events"
  std::uint64_t missing_keys = 0;  // rows that wait for their blob
  [[nodiscard]] std::uint64_t lag() const noexcept {
    return events_end > events_next ? events_end - events_next : 0;
  }
  [[nodiscard]] bool is_warm() const noexcept { return lag() == 0 && missing_keys == 0; }
};

class KafkaReplica {
 public:
  // Opens the store and the topics (made when absent) and reads the place; applies nothing yet.
  // Errors: as ensure_topics and KafkaEnvironment::open_store; unsupported (record_version.h).
  [[nodiscard]] static Result<std::unique_ptr<KafkaReplica>> open(const KafkaLogOptions& options);
  [[nodiscard]] static Result<std::unique_ptr<KafkaReplica>> open(
      const KafkaLogOptions& options, std::shared_ptr<KafkaEnvironment> environment);
  ~KafkaReplica();

  [[nodiscard]] const StateStore& state() const noexcept { return *state_; }
  [[nodiscard]] StateStore& state() noexcept { return *state_; }
  // For who uses it while this replica, or the log that it became, lives.
  [[nodiscard]] std::weak_ptr<StateStore> store() const noexcept { return state_; }
  [[nodiscard]] KafkaEnvironment& environment() const noexcept { return *environment_; }
  [[nodiscard]] const KafkaLogOptions& options() const noexcept { return options_; }
  [[nodiscard]] const KafkaTopicNames& topics() const noexcept { return topics_; }
  // Precondition: the partition is one of the options.
  [[nodiscard]] const ReplicaPlace& place(PartitionId partition) const;

  // Applies what has arrived in any partition; waits up to `timeout` when nothing has. Returns the
  // number of messages read. Errors: unavailable (a later call goes on); corrupt, and unsupported
  // (records of a newer version): for good.
  [[nodiscard]] Result<std::size_t> step(Milliseconds timeout);
  // Applies the partition up to the present ends of its topics, or up to these offsets if given.
  [[nodiscard]] Result<void> catch_up(PartitionId partition);
  [[nodiscard]] Result<void> catch_up_to(PartitionId partition, std::uint64_t events_next,
                                         std::uint64_t access_next);
  // Every event message that this store has applied was sent before this time, but the owner's own.
  [[nodiscard]] KafkaEnvironment::Time last_event_read(PartitionId partition) const;
  // For a follower: removes deleted keys from the store's files in the background, a few seconds
  // after their deletion was applied. To be called often, returns at once. Errors: of a former run.
  [[nodiscard]] Result<void> shred_in_background() { return shredder_->poll(); }
  // Messages that are in the topic "events" and not applied here. Asks the broker.
  [[nodiscard]] Result<std::uint64_t> lag(PartitionId partition);
  // How far this store is. Asks the broker.
  [[nodiscard]] Result<ReplicaProgress> progress(PartitionId partition);

  // For the owner, which applies its own records without reading them back.
  using Own = std::vector<std::pair<std::uint64_t, codec::ReplicatedRecord>>;  // by offset
  struct OwnRecords {
    Own events;
    Own access;
    std::map<Bytes, Bytes> blobs;  // message key -> blob
    std::uint64_t keys_next = 0;   // behind the last blob; 0: there were none
  };
  // Returns the message keys of blobs that no row holds any more.
  [[nodiscard]] Result<std::vector<Bytes>> apply_own(PartitionId partition, const OwnRecords& own);
  // Stops fetching; the next step() or catch_up() begins again at the place.
  void stop_reading(PartitionId partition);
  // Every blob of the topic "keys" with the epoch it was written under, as of now.
  using BlobVisitor = std::function<void(const Bytes& message_key, const codec::KeyBlob* blob)>;
  [[nodiscard]] Result<void> visit_blobs(PartitionId partition, const BlobVisitor& visit);

 private:
  class Partition;

  KafkaReplica(const KafkaLogOptions& options, std::shared_ptr<KafkaEnvironment> environment);
  Partition& partition(PartitionId id);
  Result<void> start();

  KafkaLogOptions options_;
  KafkaTopicNames topics_;
  std::shared_ptr<KafkaEnvironment> environment_;
  std::shared_ptr<StateStore> state_;
  std::unique_ptr<BackgroundShredder> shredder_;  // of state_
  std::unique_ptr<KafkaReader> reader_;           // outlives the partitions' streams
  std::map<PartitionId, std::unique_ptr<Partition>> partitions_;
};

}  // namespace coffer::log
