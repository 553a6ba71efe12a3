#include "events/log/kafka/snapshot_check.h"

#include <fmt/format.h>

#include "events/log/kafka/record_applier.h"
#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

constexpr std::size_t kReadMax = 2'000;
// How far back the last event is looked for: an idle owner appends barriers.
constexpr std::uint64_t kFirstWindow = 1'000;
constexpr std::uint64_t kLastWindow = 1'000'000;

Error bad(std::string text) {
  return fail(ErrorCode::corrupt, std::move(text));
}

bool links(const Bytes& previous_hash, const TenantHead& head) {
  if (head.sequence == 0) return previous_hash.empty();
  return std::equal(previous_hash.begin(), previous_hash.end(), head.hash.begin(), head.hash.end());
}

class EventChecker {
 public:
  EventChecker(const RocksDbState& state, PartitionId partition, CheckedStore& store)
      : state_(state), partition_(partition), store_(store) {}

  Result<void> add(const StoredRecord& stored) {
    if (stored.position != ++store_.events)
      return bad(fmt::format("event {} of partition {} is not there", store_.events, partition_));
    COFFER_ASSIGN(const auto record, codec::decode_record(stored.bytes));
    auto& head = tenants_[record.tenant];
    if (record.tenant_sequence != head.sequence + 1 || !links(record.previous_hash, head))
      return bad(fmt::format("event {} of partition {} does not follow its tenant's last one",
                             stored.position, partition_));
    if (record.epoch < store_.last_epoch || record.epoch > store_.place.events_claim.epoch)
      return bad(fmt::format("event {} of partition {} has the epoch {}", stored.position,
                             partition_, record.epoch));
    COFFER_ASSIGN(const auto position,
                  state_.indexed_position(record.tenant, record.tenant_sequence));
    if (position != position_key(partition_, stored.position))
      return bad(fmt::format("event {} of partition {} is not in its tenant's index",
                             stored.position, partition_));
    head = {record.tenant_sequence, record_hash(stored.bytes)};
    store_.last_hash = head.hash;
    store_.last_epoch = record.epoch;
    store_.last_nonce = record.nonce;
    return {};
  }

  // Every event is in the index, so as many rows mean that it knows of nothing else.
  Result<void> finish() {
    COFFER_ASSIGN(const auto indexed, state_.count_indexed(partition_));
    if (indexed != store_.events)
      return bad(
          fmt::format("the tenants' index has {} rows for {} events", indexed, store_.events));
    store_.tenants = tenants_.size();
    return {};
  }

 private:
  const RocksDbState& state_;
  const PartitionId partition_;
  CheckedStore& store_;
  std::unordered_map<TenantId, TenantHead> tenants_;
};

template <class Read, class Add>
Result<void> for_each_record(const Read& read, const Add& add, LogPosition from,
                             const GoOn& go_on) {
  while (true) {
    if (!go_on()) return fail(ErrorCode::unavailable, "stopped");
    COFFER_ASSIGN(const auto records, read(from));
    for (const auto& record : records) COFFER_TRY(add(record));
    if (records.size() < kReadMax) return {};
    from = records.back().position + 1;
  }
}

Result<void> check_access(const RocksDbState& state, PartitionId partition, CheckedStore& store,
                          const GoOn& go_on) {
  COFFER_ASSIGN(const auto trim, state.read_access_trim(partition));
  auto last = trim.last;
  auto hash = trim.last_hash;
  const auto add = [&](const StoredRecord& stored) -> Result<void> {
    if (stored.position != ++last)
      return bad(fmt::format("access record {} of partition {} is not there", last, partition));
    COFFER_ASSIGN(const auto envelope, codec::decode_access_envelope(stored.bytes));
    if (!links(envelope.previous_hash, {last - 1, hash}))
      return bad(fmt::format("access record {} of partition {} does not follow the one before it",
                             last, partition));
    hash = record_hash(stored.bytes);
    ++store.access;
    return {};
  };
  return for_each_record(
      [&](LogPosition from) { return state.read_access(partition, from, kReadMax); }, add,
      trim.last + 1, go_on);
}

// ---------------------------------------------------------------- against the topic
// What counts in a stretch of the topic, for a reader that knows the claim of the store's last
// event: no record under an older one can be behind that event.
struct Walk {
  ClaimState claim;
  std::optional<Sha256> last;  // event

  void note(const codec::AppendBody& command) {
    if (!command.event.empty()) last = record_hash(command.event);
  }
  Result<void> add(const FetchedMessage& message) {
    COFFER_ASSIGN(const auto record, codec::decode_replicated(
                                         message.value ? BytesView(*message.value) : BytesView{}));
    if (!admit(claim, claimed(record))) return {};
    if (const auto* command = std::get_if<codec::AppendBody>(&record.body)) note(*command);
    if (const auto* group = std::get_if<codec::GroupBody>(&record.body))
      for (const auto& command : group->commands) note(command);
    return {};
  }
};

Result<Walk> walk(KafkaReader& reader, const std::string& topic, PartitionId partition,
                  std::uint64_t from, std::uint64_t end, const CheckedStore& store,
                  Milliseconds stall_max) {
  Walk walk{{store.last_epoch, store.last_nonce, false}, {}};
  COFFER_ASSIGN(const auto stream, reader.open(topic, partition, from));
  auto last_progress = std::chrono::steady_clock::now();
  while (from < end) {
    COFFER_ASSIGN(const auto fetched, stream->read(500, Milliseconds(100)));
    for (const auto& message : fetched.messages)
      if (message.offset < end) COFFER_TRY(walk.add(message));
    const auto now = std::chrono::steady_clock::now();
    if (fetched.next > from) last_progress = now;
    from = std::max(from, fetched.next);
    if (now - last_progress > stall_max)
      return fail(ErrorCode::unavailable, fmt::format("{} stopped at offset {}", topic, from));
  }
  return walk;
}

}  // namespace

Result<CheckedStore> check_chains(const RocksDbState& state, PartitionId partition,
                                  const GoOn& go_on) {
  CheckedStore store;
  COFFER_ASSIGN(store.place, load_place(state, partition));
  EventChecker checker(state, partition, store);
  COFFER_TRY(for_each_record(
      [&](LogPosition from) { return state.read_events(partition, from, kReadMax); },
      [&](const StoredRecord& record) { return checker.add(record); }, 1, go_on));
  COFFER_TRY(checker.finish());
  COFFER_TRY(check_access(state, partition, store, go_on));
  return store;
}

Result<void> check_against_topic(KafkaReader& reader, const KafkaTopicNames& topics,
                                 PartitionId partition, const CheckedStore& store,
                                 Milliseconds stall_max) {
  COFFER_ASSIGN(const auto ends, reader.watermarks(topics.events, partition));
  const auto next = store.place.events_next;
  if (next < ends.first || next > ends.end)
    return bad(fmt::format("the snapshot ends at offset {} of {}, which holds {} to {}", next,
                           topics.events, ends.first, ends.end));
  if (store.events == 0) return bad("the snapshot has no events");
  for (auto window = kFirstWindow; window <= kLastWindow; window *= 10) {
    const auto from = std::max(ends.first, next - std::min(next, window));
    COFFER_ASSIGN(const auto seen,
                  walk(reader, topics.events, partition, from, next, store, stall_max));
    if (!seen.last && from > ends.first) continue;
    if (seen.last != store.last_hash) return bad("the snapshot's last event is not the topic's");
    // Before the last event's claim nothing was admitted, so a later one must have been seen.
    if (seen.claim != store.place.events_claim)
      return bad("the snapshot's owner is not the topic's");
    return {};
  }
  return fail(ErrorCode::unavailable, "the topic shows no event near the snapshot's end");
}

}  // namespace coffer::log
