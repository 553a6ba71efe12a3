// Destroyed keys leave the topic "keys": tombstones for those that die here, and a sweep for blobs
// that a crash left without a row.
#include "events/log/kafka/kafka_event_log.h"
#include "events/log/kafka/key_stage.h"

namespace coffer::log {

void KafkaEventLog::send_tombstones(PartitionId partition, const std::vector<Bytes>& message_keys) {
  for (const auto& key : message_keys) {
    const auto ticket =
        producer_->send(replica_->topics().keys, partition, {BytesView(key), std::nullopt});
    if (ticket) {
      tombstones_.push_back(*ticket);
    } else {
      sweep_needed_ = true;  // the sweep finds what has no row
    }
  }
  tombstones_open_ = !tombstones_.empty();
}

Result<void> KafkaEventLog::await_tombstones() {
  const auto tickets = std::exchange(tombstones_, {});
  tombstones_open_ = false;
  if (tickets.empty()) return {};
  auto done = producer_->await(tickets);
  if (done) return {};
  sweep_needed_ = true;
  return done.error();
}

// A blob without a row is dead: all events under older claims are applied, and those of this claim
// as far as their blobs were seen here, since appends hold the lock too. Blobs of this claim are
// among them when their tombstone failed, or when what ended them was read over a gap.
// What a later claim wrote is not this node's to judge.
Result<void> KafkaEventLog::sweep_dead_blobs(PartitionId partition) {
  const auto own_epoch = epoch(partition);
  std::map<Bytes, bool> candidates;  // message key -> the last message has a blob
  COFFER_TRY(replica_->visit_blobs(partition, [&](const Bytes& key, const auto* blob) {
    candidates[key] = blob != nullptr && blob->epoch <= own_epoch;
  }));
  const std::lock_guard lock(mutex_);
  COFFER_TRY(check_writable());
  std::vector<Bytes> dead;
  for (const auto& [key, is_candidate] : candidates) {
    const auto parsed = parse_key_message_key(key);
    if (!is_candidate || !parsed) continue;
    COFFER_ASSIGN(const auto row, state().get(Family::keys, parsed->row));
    if (!row || record_hash(*row) != parsed->hash) dead.push_back(key);
  }
  send_tombstones(partition, dead);
  return await_tombstones();
}

Result<void> KafkaEventLog::shred_deleted_keys() {
  COFFER_TRY(replica_->state().shred_deleted_keys());
  {
    const std::lock_guard lock(mutex_);
    if (producer_) COFFER_TRY(await_tombstones());
  }
  if (!sweep_needed_.exchange(false)) return {};
  for (const auto partition : replica_->options().partitions) {
    auto swept = sweep_dead_blobs(partition);
    if (swept) continue;
    sweep_needed_ = true;
    return swept;
  }
  return {};
}

bool KafkaEventLog::has_deleted_keys() const noexcept {
  return state().has_deleted_keys() || sweep_needed_ || tombstones_open_;
}

}  // namespace coffer::log
