#include "events/log/kafka/replica_partition.h"

#include <fmt/format.h>

namespace coffer::log {
namespace {

constexpr std::size_t kReadMax = 500;
constexpr std::size_t kInstallBatch = 2'000;

Result<codec::ReplicatedRecord> decode(const FetchedMessage& message, const std::string& topic,
                                       std::uint32_t readable) {
  auto record = codec::decode_replicated(message.value ? BytesView(*message.value) : BytesView{});
  if (record) {
    COFFER_TRY(check_record_version(version_of(*record), readable));
    return record;
  }
  return fail(record.error().code,
              fmt::format("offset {} of {}: {}", message.offset, topic, record.error().message));
}

}  // namespace

// ---------------------------------------------------------------- reading
Result<std::uint64_t> KafkaReplica::Partition::first_access_offset() {
  COFFER_ASSIGN(const auto ends, replica_.reader_->watermarks(replica_.topics_.access, id_));
  if (place_.access_next > ends.end)
    return fail(ErrorCode::corrupt,
                fmt::format("the store has applied {} messages of partition {} of {}, which has {}",
                            place_.access_next, id_, replica_.topics_.access, ends.end));
  return std::max(place_.access_next, ends.first);
}

Result<void> KafkaReplica::Partition::open_streams() {
  auto& reader = *replica_.reader_;
  if (!events_) {
    COFFER_ASSIGN(const auto ends, reader.watermarks(replica_.topics_.events, id_));
    if (place_.events_next < ends.first || place_.events_next > ends.end)
      return fail(
          ErrorCode::corrupt,
          fmt::format("partition {} of {} holds the offsets {} to {}, the store goes on at "
                      "{}: records were lost, or it is another cluster's topic",
                      id_, replica_.topics_.events, ends.first, ends.end, place_.events_next));
    COFFER_ASSIGN(events_, reader.open(replica_.topics_.events, id_, place_.events_next));
  }
  if (!access_) {
    COFFER_ASSIGN(const auto first, first_access_offset());
    COFFER_ASSIGN(access_, reader.open(replica_.topics_.access, id_, first));
  }
  return {};
}

void KafkaReplica::Partition::stop_reading() {
  events_.reset();
  access_.reset();
  pending_events_.clear();
  pending_access_.clear();
  events_seen_ = 0;
  forget_keys();
}

Result<void> KafkaReplica::Partition::fetch() {
  if (pending_events_.empty()) {
    COFFER_ASSIGN(auto fetched, events_->read(kReadMax, Milliseconds(0)));
    pending_events_ = std::move(fetched.messages);
    if (!pending_events_.empty()) {
      events_seen_ = pending_events_.back().offset + 1;
      last_event_read_ = replica_.environment_->now();
    }
  }
  if (pending_access_.empty()) {
    COFFER_ASSIGN(auto fetched, access_->read(kReadMax, Milliseconds(0)));
    pending_access_ = std::move(fetched.messages);
    if (fetched.at_end) access_end_ = fetched.next;
  }
  return {};
}

Result<std::size_t> KafkaReplica::Partition::step() {
  COFFER_TRY(open_streams());
  COFFER_TRY(fetch());
  const auto count = pending_events_.size() + pending_access_.size();
  if (count > 0) COFFER_TRY(apply_pending());
  // Retention may have left nothing to read below the end.
  if (access_end_ > place_.access_next) {
    place_.access_next = access_end_;
    place_.access_gap = true;
  }
  return count;
}

Result<void> KafkaReplica::Partition::add_pending(RecordApplier& applier) const {
  const auto readable = replica_.options_.record_version_max;
  for (const auto& message : pending_events_) {
    COFFER_ASSIGN(const auto record, decode(message, replica_.topics_.events, readable));
    COFFER_TRY(applier.add_event_message(message.offset, record));
  }
  for (const auto& message : pending_access_) {
    COFFER_ASSIGN(const auto record, decode(message, replica_.topics_.access, readable));
    COFFER_TRY(applier.add_access_message(message.offset, record));
  }
  return {};
}

Result<void> KafkaReplica::Partition::apply_pending() {
  claim_ = place_.events_claim;
  RecordApplier applier(*replica_.state_, id_, place_, *this, replica_.environment_->rules());
  auto added = add_pending(applier);
  if (!added) {
    // Blobs that were taken for this attempt are read again for the next one.
    forget_keys();
    return added;
  }
  COFFER_TRY(applier.write(keys_next()));
  pending_events_.clear();
  pending_access_.clear();
  return check_record_version(*replica_.state_, replica_.options_.record_version_max);
}

Result<void> KafkaReplica::Partition::catch_up_to(std::uint64_t events_next,
                                                  std::uint64_t access_next) {
  auto last_progress = replica_.environment_->now();
  while (place_.events_next < events_next || place_.access_next < access_next) {
    const auto stepped = step();
    if (stepped.ok() && *stepped > 0) {
      last_progress = replica_.environment_->now();
      continue;
    }
    if (!stepped && stepped.error().code != ErrorCode::unavailable) return stepped.error();
    if (replica_.environment_->now() - last_progress > replica_.options_.stall_max) {
      if (!stepped) return stepped.error();
      return fail(ErrorCode::unavailable, fmt::format("partition {} stopped at offset {} before {}",
                                                      id_, place_.events_next, events_next));
    }
    replica_.reader_->wait(Milliseconds(20));
  }
  return {};
}

// ---------------------------------------------------------------- wrapped keys
void KafkaReplica::Partition::forget_keys() {
  keys_.reset();
  stage_ = {};
  bound_events_ = 0;
}

std::uint64_t KafkaReplica::Partition::keys_next() const {
  if (!keys_) return place_.keys_next;
  return std::min(keys_read_, stage_.first_offset().value_or(keys_read_));
}

void KafkaReplica::Partition::claimed(const ClaimState& claim) {
  claim_ = claim;
  stage_.drop_below(claim.epoch);
}

void KafkaReplica::Partition::stage(const FetchedMessage& message) {
  const auto key = parse_key_message_key(message.key);
  if (!key) return;
  if (!message.value) return stage_.erase(message.key);
  // What no event can ask for is not worth a stop: a blob that is needed and not there is one.
  auto blob = codec::decode_key_blob(*message.value);
  if (!blob || record_hash(blob->blob) != key->hash || blob->epoch < claim_.epoch) return;
  stage_.put(message.key, {message.offset, blob->epoch, std::move(blob->blob)});
}

Result<void> KafkaReplica::Partition::read_keys_until(const Bytes& message_key, std::uint64_t end) {
  if (!keys_) {
    COFFER_ASSIGN(const auto ends, replica_.reader_->watermarks(replica_.topics_.keys, id_));
    keys_read_ = std::max(place_.keys_next, ends.first);
    COFFER_ASSIGN(keys_, replica_.reader_->open(replica_.topics_.keys, id_, keys_read_));
  }
  auto last_progress = replica_.environment_->now();
  while (keys_read_ < end && !stage_.contains(message_key)) {
    COFFER_ASSIGN(const auto fetched, keys_->read(kReadMax, Milliseconds(100)));
    for (const auto& message : fetched.messages) stage(message);
    if (fetched.next > keys_read_) {
      keys_read_ = fetched.next;
      last_progress = replica_.environment_->now();
    }
    if (replica_.environment_->now() - last_progress > replica_.options_.stall_max)
      return fail(ErrorCode::unavailable, fmt::format("partition {} of {} stopped at offset {}",
                                                      id_, replica_.topics_.keys, keys_read_));
  }
  return {};
}

Result<std::optional<Bytes>> KafkaReplica::Partition::find(BytesView row, const Sha256& hash,
                                                           std::uint64_t event_offset) {
  const auto key = key_message_key(row, hash);
  if (own_ != nullptr) {
    const auto found = own_->blobs.find(key);
    COFFER_CHECK(found != own_->blobs.end());
    return std::optional<Bytes>{found->second};
  }
  if (!stage_.contains(key)) {
    if (event_offset >= bound_events_) {
      // Whatever was read of the events by now refers to blobs that are in the topic by now.
      COFFER_ASSIGN(const auto ends, replica_.reader_->watermarks(replica_.topics_.keys, id_));
      bound_events_ = std::max(events_seen_, event_offset + 1);
      bound_keys_ = ends.end;
    }
    COFFER_TRY(read_keys_until(key, bound_keys_));
  }
  return stage_.take(key);
}

Result<void> KafkaReplica::Partition::resolve_missing() {
  // Destroying an event's key goes: event, then tombstone. So a blob that is gone although all
  // events up to the end were applied may still have its event behind that end: look again.
  for (int attempt = 0; attempt < 3 && place_.missing > 0; ++attempt) {
    COFFER_TRY(install_from_topic());
    if (place_.missing == 0) return {};
    COFFER_ASSIGN(const auto ends, replica_.reader_->watermarks(replica_.topics_.events, id_));
    COFFER_TRY(catch_up_to(ends.end, place_.access_next));
  }
  if (place_.missing == 0) return {};
  return fail(ErrorCode::corrupt,
              fmt::format("{} wrapped keys in use are not in partition {} of {}", place_.missing,
                          id_, replica_.topics_.keys));
}

// In the topic's order, in batches: after a snapshot it is every key that there is.
Result<void> KafkaReplica::Partition::install_from_topic() {
  auto applier = std::make_unique<RecordApplier>(*replica_.state_, id_, place_, *this,
                                                 replica_.environment_->rules());
  std::size_t installed = 0;
  Result<void> result;
  const auto visit = [&](const Bytes& message_key, const codec::KeyBlob* blob) -> Result<void> {
    const auto key = parse_key_message_key(message_key);
    if (!key) return {};
    if (blob == nullptr) return applier->withdraw(key->row, key->hash);
    if (record_hash(blob->blob) != key->hash) return {};
    COFFER_ASSIGN(const bool taken, applier->install_missing(key->row, key->hash, blob->blob));
    if (!taken || ++installed % kInstallBatch != 0) return {};
    COFFER_TRY(applier->write(keys_next()));
    applier = std::make_unique<RecordApplier>(*replica_.state_, id_, place_, *this,
                                              replica_.environment_->rules());
    return {};
  };
  COFFER_TRY(replica_.visit_blobs(id_, [&](const Bytes& message_key, const auto* blob) {
    if (result) result = visit(message_key, blob);
  }));
  COFFER_TRY(std::move(result));
  return applier->write(keys_next());
}

// ---------------------------------------------------------------- the owner's records
Result<std::vector<Bytes>> KafkaReplica::Partition::apply_own(const OwnRecords& own) {
  own_ = &own;
  RecordApplier applier(*replica_.state_, id_, place_, *this, replica_.environment_->rules());
  const auto add_all = [&]() -> Result<void> {
    for (const auto& [offset, record] : own.events)
      COFFER_TRY(applier.add_event_message(offset, record));
    for (const auto& [offset, record] : own.access)
      COFFER_TRY(applier.add_access_message(offset, record));
    return {};
  };
  auto added = add_all();
  own_ = nullptr;
  COFFER_TRY(std::move(added));
  auto dead = applier.dead_keys();
  COFFER_TRY(applier.write(std::max(place_.keys_next, own.keys_next)));
  return dead;
}

}  // namespace coffer::log
