// Destroyed keys leave the topic "keys": tombstones for those that die here, and a sweep for blobs
// that a crash left without a row.
#include "events/log/kafka/kafka_event_log.h"
#include "events/log/kafka/key_stage.h"

namespace coffer::log {

// They go with the next blobs: a request of their own would keep those back for a round trip.
void KafkaEventLog::note_dead_keys(PartitionId partition, std::vector<Bytes> message_keys) {
  if (message_keys.empty()) return;
  auto& dead = dead_keys_[partition];
  std::move(message_keys.begin(), message_keys.end(), std::back_inserter(dead));
  tombstones_open_ = true;
}

// Sends what the partition's dead keys need, then the blobs; the blobs' tickets.
Result<KafkaEventLog::Tickets> KafkaEventLog::send_keys(PartitionId partition,
                                                        const std::map<Bytes, Bytes>& blobs) {
  const auto dead = std::exchange(dead_keys_[partition], {});
  const auto& own = claims_.at(partition);
  std::vector<Bytes> encoded;
  std::vector<KafkaMessage> out;
  encoded.reserve(blobs.size());
  out.reserve(dead.size() + blobs.size());
  for (const auto& key : dead) out.push_back({BytesView(key), std::nullopt});
  for (const auto& [key, blob] : blobs) {
    encoded.push_back(codec::encode_key_blob({own.epoch, own.nonce, blob}));
    out.push_back({BytesView(key), BytesView(encoded.back())});
  }
  auto sent = producer_->send(replica_->topics().keys, partition, out);
  if (!sent) {
    sweep_needed_ = sweep_needed_ || !dead.empty();  // the sweep finds what has no row
    return sent;
  }
  const auto first_blob = sent->begin() + static_cast<std::ptrdiff_t>(dead.size());
  tombstones_.insert(tombstones_.end(), sent->begin(), first_blob);
  sent->erase(sent->begin(), first_blob);
  return sent;
}

Result<void> KafkaEventLog::await_tombstones() {
  for (const auto& [partition, dead] : dead_keys_)
    if (!dead.empty()) COFFER_TRY(send_keys(partition, {}));
  const auto tickets = std::exchange(tombstones_, {});
  tombstones_open_ = false;
  if (tickets.empty()) return {};
  auto done = producer_->await(tickets);
  if (done) return {};
  sweep_needed_ = true;
  return done.error();
}

// A blob of an older claim is dead unless a row holds it: all events under older claims are
// applied. Those of this claim are in use or have their tombstone.
Result<void> KafkaEventLog::sweep_dead_blobs(PartitionId partition) {
  const auto own_epoch = epoch(partition);
  std::map<Bytes, bool> candidates;  // message key -> the last message has a blob
  COFFER_TRY(replica_->visit_blobs(partition, [&](const Bytes& key, const auto* blob) {
    candidates[key] = blob != nullptr && blob->epoch < own_epoch;
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
  note_dead_keys(partition, std::move(dead));
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
