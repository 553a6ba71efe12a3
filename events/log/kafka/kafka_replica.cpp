#include "events/log/kafka/kafka_replica.h"

#include <fmt/format.h>

#include "events/log/kafka/replica_partition.h"

namespace coffer::log {

KafkaReplica::KafkaReplica(const KafkaLogOptions& options,
                           std::shared_ptr<KafkaEnvironment> environment)
    : options_(options),
      topics_(topic_names(options.topics.prefix)),
      environment_(std::move(environment)) {}

KafkaReplica::~KafkaReplica() = default;

Result<std::unique_ptr<KafkaReplica>> KafkaReplica::open(const KafkaLogOptions& options) {
  return open(options, kafka_environment(options));
}

Result<std::unique_ptr<KafkaReplica>> KafkaReplica::open(
    const KafkaLogOptions& options, std::shared_ptr<KafkaEnvironment> environment) {
  std::unique_ptr<KafkaReplica> replica(new KafkaReplica(options, std::move(environment)));
  COFFER_TRY(replica->start());
  return replica;
}

Result<void> KafkaReplica::start() {
  for (const auto id : options_.partitions)
    if (id >= options_.topics.partitions)
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("there is no partition {}: the log has {}", id, options_.topics.partitions));
  COFFER_ASSIGN(state_, environment_->open_store());
  COFFER_TRY(check_record_version(*state_, options_.record_version_max));
  shredder_ = std::make_unique<BackgroundShredder>(*state_);
  COFFER_TRY(environment_->check_topics());
  COFFER_ASSIGN(reader_, environment_->make_reader());
  for (const auto id : options_.partitions) {
    COFFER_ASSIGN(auto place, load_place(*state_, id));
    partitions_.emplace(id, std::make_unique<Partition>(*this, id, std::move(place)));
  }
  return {};
}

KafkaReplica::Partition& KafkaReplica::partition(PartitionId id) {
  const auto found = partitions_.find(id);
  COFFER_CHECK(found != partitions_.end());
  return *found->second;
}

const ReplicaPlace& KafkaReplica::place(PartitionId id) const {
  const auto found = partitions_.find(id);
  COFFER_CHECK(found != partitions_.end());
  return found->second->place();
}

KafkaEnvironment::Time KafkaReplica::last_event_read(PartitionId id) const {
  const auto found = partitions_.find(id);
  COFFER_CHECK(found != partitions_.end());
  return found->second->last_event_read();
}

Result<std::size_t> KafkaReplica::step(Milliseconds timeout) {
  for (const bool waited : {false, true}) {
    std::size_t count = 0;
    for (const auto& [id, partition] : partitions_) {
      COFFER_ASSIGN(const auto read, partition->step());
      count += read;
      if (read == 0) COFFER_TRY(partition->resolve_missing());
    }
    if (count > 0 || waited) return count;
    reader_->wait(timeout);
  }
  return std::size_t{0};
}

Result<void> KafkaReplica::catch_up(PartitionId id) {
  COFFER_ASSIGN(const auto events, reader_->watermarks(topics_.events, id));
  COFFER_ASSIGN(const auto access, reader_->watermarks(topics_.access, id));
  // Also when there is nothing to read: opening the streams checks that the store fits the topics.
  COFFER_TRY(partition(id).step());
  return catch_up_to(id, events.end, access.end);
}

Result<void> KafkaReplica::catch_up_to(PartitionId id, std::uint64_t events_next,
                                       std::uint64_t access_next) {
  COFFER_TRY(partition(id).catch_up_to(events_next, access_next));
  return partition(id).resolve_missing();
}

Result<std::uint64_t> KafkaReplica::lag(PartitionId id) {
  COFFER_ASSIGN(const auto now, progress(id));
  return now.lag();
}

Result<ReplicaProgress> KafkaReplica::progress(PartitionId id) {
  COFFER_ASSIGN(const auto ends, reader_->watermarks(topics_.events, id));
  return ReplicaProgress{place(id).events_next, ends.end, place(id).missing};
}

Result<std::vector<Bytes>> KafkaReplica::apply_own(PartitionId id, const OwnRecords& own) {
  return partition(id).apply_own(own);
}

void KafkaReplica::stop_reading(PartitionId id) {
  partition(id).stop_reading();
}

Result<void> KafkaReplica::visit_blobs(PartitionId id, const BlobVisitor& visit) {
  // A reader of its own: one reader reads a partition once.
  COFFER_ASSIGN(const auto reader, environment_->make_reader());
  COFFER_ASSIGN(const auto ends, reader->watermarks(topics_.keys, id));
  if (ends.first == ends.end) return {};
  COFFER_ASSIGN(const auto stream, reader->open(topics_.keys, id, ends.first));
  auto next = ends.first;
  auto last_progress = environment_->now();
  while (next < ends.end) {
    COFFER_ASSIGN(const auto fetched, stream->read(500, Milliseconds(100)));
    for (const auto& message : fetched.messages) {
      if (!message.value) {
        visit(message.key, nullptr);
      } else if (const auto blob = codec::decode_key_blob(*message.value)) {
        visit(message.key, &*blob);
      }
    }
    if (fetched.next > next) last_progress = environment_->now();
    next = std::max(next, fetched.next);
    if (environment_->now() - last_progress > options_.stall_max)
      return fail(ErrorCode::unavailable,
                  fmt::format("partition {} of {} stopped at offset {}", id, topics_.keys, next));
  }
  return {};
}

}  // namespace coffer::log
