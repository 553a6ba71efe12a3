// The replicated log of a cluster: this node owns its partitions by a claim in each, writes to
// Kafka, and applies to its local store what Kafka acknowledged.
//
// append() sends wrapped keys and access records first and waits for them, then one message for
// each element, all at once. When every acknowledged offset is the one behind this node's last, no
// foreign record lies between, and every reader will count these. A gap, or an acknowledgement
// that does not say where, is read over before the answer: when no other claim counts there (a
// zombie's record does not), it is a success too.
//
// Otherwise (another claim, no acknowledgement) the log reads up to the end, so that the state
// shows what became of the batch, and answers unknown_outcome. From then on it refuses appends, as
// the embedded log does until it is opened again: whatever was decided on the older state must be
// dropped by the caller first. recover() is that opening, in place: a new producer, everything
// read, a new claim. When another node's claim counts, the refusal says so and recover() refuses.
//
// Every successful append() also shows that this node was the owner when it ended: by the lease of
// its last acknowledged record, or else by a barrier of its own. So whoever reads the state, then
// appends his access record, then answers, never answers with a state that another owner has left
// behind. A new owner waits until its predecessor's lease is surely over, unless that has released
// the partition.
//
// An access record may stand in the log of an append that did not come about, never the reverse.
//
// What "durable" means: the record is in the page cache of at least the topic's minimum of in-sync
// brokers. The local store is not synced and needs not be.
//
// shred_deleted_keys() ends with: no file of THIS node's store holds a deleted blob, and Kafka has
// a tombstone for it. Followers shred by themselves a few seconds later. Brokers forget it when
// they compact: what must be gone from there too is destroyed by rotating the key that wraps it.
//
// Threads: as EventLog asks; recover(), barrier() and release() belong to the writer.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "events/log/event_log.h"
#include "events/log/kafka/append_encoder.h"
#include "events/log/kafka/kafka_replica.h"
#include "events/log/kafka/lease.h"

namespace coffer::log {

class KafkaEventLog final : public EventLog {
 public:
  // Catches up and claims every partition of the replica. Errors: unavailable (no broker, or
  // another node's claim came first), corrupt.
  [[nodiscard]] static Result<std::unique_ptr<KafkaEventLog>> take_over(
      std::unique_ptr<KafkaReplica> replica, const Nonce128& claim_nonce);
  ~KafkaEventLog() override;

  // After unknown_outcome. Errors: unavailable; a later try may work, unless another node owns a
  // partition: then this log is over and the node may only follow.
  [[nodiscard]] Result<void> recover(const Nonce128& claim_nonce);
  // Shows that the claim still stood at some time after the call: the base of a strict read.
  // Errors as append().
  [[nodiscard]] Result<void> barrier(PartitionId partition);
  // Hands the partitions over in good order: who claims next need not wait. Refuses all appends
  // afterwards.
  [[nodiscard]] Result<void> release();
  [[nodiscard]] std::uint64_t epoch(PartitionId partition) const;
  // Of what is written from now on (record_version.h); at first the newest that the options allow.
  void set_record_version(std::uint32_t version) noexcept { record_version_ = version; }
  // As KafkaReplica::store().
  [[nodiscard]] std::weak_ptr<StateStore> store() const noexcept { return replica_->store(); }
  // Appends are refused, and only recover() or a new take-over can change that. Any thread.
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }

  Result<std::optional<Bytes>> get(Family family, BytesView key) const override;
  Result<std::vector<Row>> scan(Family family, BytesView prefix, BytesView after,
                                std::size_t limit) const override;
  // Also too_large: a change beyond the options' message_bytes_max; nothing was sent.
  Result<std::vector<Appended>> append(std::span<Append> batch) override;
  Result<std::vector<StoredRecord>> read_events(PartitionId partition, LogPosition from,
                                                std::size_t limit) const override;
  Result<std::vector<StoredRecord>> read_tenant(TenantId tenant, TenantSequence from,
                                                std::size_t limit) const override;
  Result<std::vector<StoredRecord>> read_access(PartitionId partition, LogPosition from,
                                                std::size_t limit) const override;
  [[nodiscard]] Result<TenantSequence> tenant_end(const TenantId& tenant) const override;
  [[nodiscard]] LogPosition events_end(PartitionId partition) const override;
  [[nodiscard]] LogPosition access_end(PartitionId partition) const override;
  // Of the local store; the topic has its own retention.
  Result<AccessTrim> trim_access(PartitionId partition, Timestamp older_than,
                                 std::uint64_t bytes_max) override;
  Result<AccessTrim> read_access_trim(PartitionId partition) const override;
  Result<void> shred_deleted_keys() override;
  [[nodiscard]] bool is_remote() const noexcept override { return true; }
  // When the lease of the partition that was renewed last runs out. Any thread.
  [[nodiscard]] Lease::Time lease_ends() const noexcept { return lease_ends_; }
  [[nodiscard]] bool has_deleted_keys() const noexcept override;

 private:
  using Tickets = std::vector<KafkaProducer::Ticket>;
  using OwnBatch = std::map<PartitionId, KafkaReplica::OwnRecords>;

  explicit KafkaEventLog(std::unique_ptr<KafkaReplica> replica);
  [[nodiscard]] const StateStore& state() const noexcept { return replica_->state(); }
  [[nodiscard]] KafkaEnvironment& environment() const { return replica_->environment(); }
  [[nodiscard]] const OwnershipRules& rules() const { return environment().rules(); }
  [[nodiscard]] std::size_t message_bytes_max() const;
  Result<void> start_producer();
  Result<void> claim_all(const Nonce128& nonce);
  Result<void> claim(PartitionId partition, const Nonce128& nonce);
  [[nodiscard]] bool is_own(const ClaimState& claim) const;
  Result<void> check_foreign_claim(PartitionId partition) const;
  void add_renewals(EncodedBatch& batch) const;
  void renew_lease(PartitionId partition, Lease::Time from);
  Result<void> hold_leases(const std::set<PartitionId>& partitions);
  Result<void> check_writable();

  // Sends one record and waits; the record's offset.
  Result<KafkaOffset> send_one(const std::string& topic, PartitionId partition,
                               const codec::ReplicatedRecord& record);
  Result<Tickets> send_all(const std::string& topic, PartitionId partition,
                           const std::vector<EncodedMessage>& messages);
  // Blobs and access records, then events; each part is acknowledged when it returns. What is in
  // `own` afterwards is still to be applied.
  Result<void> send_first_part(EncodedBatch& batch, OwnBatch& own);
  Result<void> send_events(EncodedBatch& batch, OwnBatch& own);
  // How far this node has written a partition's topics; nothing: the broker did not say.
  struct Written {
    std::optional<std::uint64_t> events_next;
    std::optional<std::uint64_t> access_next;
    std::size_t events = 0;  // messages that are not applied yet
    std::size_t access = 0;
  };
  // Somebody else wrote between: applies everything up to there by reading it. Under a claim that
  // still stands then, the own records count; all of them must be there.
  Result<void> read_over_gap(PartitionId partition, const Written& written);
  // Applies everything below these offsets by reading it; up to the ends when one is not known.
  Result<void> read_up_to(PartitionId partition, std::optional<std::uint64_t> events_next,
                          std::optional<std::uint64_t> access_next);
  Result<void> apply(const OwnBatch& own);
  Result<void> send_and_apply(EncodedBatch& batch);
  Result<void> append_own_record(PartitionId partition, const codec::ReplicatedRecord& record,
                                 bool access_too);
  Error lose(const Error& cause);
  void stop(std::string why);

  void note_dead_keys(PartitionId partition, std::vector<Bytes> message_keys);
  Result<Tickets> send_keys(PartitionId partition, const std::map<Bytes, Bytes>& blobs);
  Result<void> await_tombstones();
  Result<void> sweep_dead_blobs(PartitionId partition);

  std::unique_ptr<KafkaReplica> replica_;
  std::atomic<std::uint32_t> record_version_;
  mutable std::mutex mutex_;  // guards what follows: the writer and the shredder both send
  std::unique_ptr<KafkaProducer> producer_;  // null after an unknown outcome
  std::map<PartitionId, Claim> claims_;
  std::set<std::pair<std::uint64_t, Nonce128>> made_;  // every claim that was ever sent
  std::map<PartitionId, Lease> leases_;
  std::atomic<Lease::Time> lease_ends_ = Lease::Time{};  // for those who only look
  std::atomic<bool> stopped_ = false;                    // refusal_ is not empty
  std::string refusal_;  // set by stop(): why nothing is appended; empty: appends go on
  std::map<PartitionId, std::vector<Bytes>> dead_keys_;  // message keys that need tombstones
  Tickets tombstones_;                                   // under way
  // Blobs without a row may be in the topic: left by a crash, or their tombstones failed.
  std::atomic<bool> sweep_needed_ = true;
  std::atomic<bool> tombstones_open_ = false;
};

// Opens the store and the topics and takes over.
[[nodiscard]] Result<std::unique_ptr<KafkaEventLog>> open_kafka_log(const KafkaLogOptions& options,
                                                                    const Nonce128& claim_nonce);

}  // namespace coffer::log
