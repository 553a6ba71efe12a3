// One partition of a replica: its streams, its place, and the wrapped keys that wait for their
// events. Part of kafka_replica.h, to which nothing here is visible. Threads: as there.
#pragma once

#include "events/log/kafka/kafka_replica.h"

namespace coffer::log {

class KafkaReplica::Partition final : public BlobSource {
 public:
  Partition(KafkaReplica& replica, PartitionId id, ReplicaPlace place)
      : replica_(replica),
        id_(id),
        place_(std::move(place)),
        last_event_read_(replica.environment_->now()),
        claim_(place_.events_claim) {}

  [[nodiscard]] const ReplicaPlace& place() const noexcept { return place_; }
  [[nodiscard]] KafkaEnvironment::Time last_event_read() const noexcept { return last_event_read_; }

  // Applies what has arrived; the number of messages read.
  Result<std::size_t> step();
  Result<void> catch_up_to(std::uint64_t events_next, std::uint64_t access_next);
  // Finds the blobs of rows whose event was applied without one. Only at the end of the events.
  Result<void> resolve_missing();
  Result<std::vector<Bytes>> apply_own(const OwnRecords& own);
  void stop_reading();

  Result<std::optional<Bytes>> find(BytesView row, const Sha256& hash,
                                    std::uint64_t event_offset) override;
  void claimed(const ClaimState& claim) override;

 private:
  Result<void> open_streams();
  Result<std::uint64_t> first_access_offset();
  Result<void> fetch();
  Result<void> apply_pending();
  Result<void> add_pending(RecordApplier& applier) const;
  Result<void> read_keys_until(const Bytes& message_key, std::uint64_t end);
  void stage(const FetchedMessage& message);
  [[nodiscard]] std::uint64_t keys_next() const;
  void forget_keys();

  KafkaReplica& replica_;
  const PartitionId id_;
  ReplicaPlace place_;
  // What was applied before this process was sent before it began.
  KafkaEnvironment::Time last_event_read_;
  ClaimState claim_;  // as of the message that is being applied
  std::unique_ptr<KafkaStream> events_;
  std::unique_ptr<KafkaStream> access_;
  std::unique_ptr<KafkaStream> keys_;
  std::vector<FetchedMessage> pending_events_;  // read and not applied yet
  std::vector<FetchedMessage> pending_access_;
  std::uint64_t events_seen_ = 0;  // behind the last event that was read
  std::uint64_t access_end_ = 0;   // where the access topic's end was when it was reached
  std::uint64_t keys_read_ = 0;    // behind the last blob that was read
  // Events below the first refer to blobs below the second.
  std::uint64_t bound_events_ = 0;
  std::uint64_t bound_keys_ = 0;
  KeyStage stage_;
  const OwnRecords* own_ = nullptr;  // during apply_own()
};

}  // namespace coffer::log
