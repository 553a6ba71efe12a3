#include "events/log/kafka/kafka_event_log.h"

#include <fmt/format.h>

#include "events/log/kafka/migration_mark.h"

namespace coffer::log {
namespace {

// The offset behind the last one; `next` when there is none, nothing when it is not known.
std::optional<std::uint64_t> behind(std::span<const KafkaOffset> offsets, std::uint64_t next) {
  if (offsets.empty()) return next;
  if (offsets.back() == kOffsetUnknown) return std::nullopt;
  return static_cast<std::uint64_t>(offsets.back()) + 1;
}

EncodedMessage barrier_under(const Claim& claim) {
  codec::ReplicatedRecord record{claim.epoch, claim.nonce, codec::NoopBody{}};
  auto bytes = codec::encode_replicated(record);
  return {std::move(record), std::move(bytes)};
}

KafkaReplica::Own with_offsets(std::vector<EncodedMessage>& messages, std::uint64_t next) {
  KafkaReplica::Own out;
  out.reserve(messages.size());
  for (auto& message : messages) out.emplace_back(next++, std::move(message.record));
  return out;
}

}  // namespace

KafkaEventLog::KafkaEventLog(std::unique_ptr<KafkaReplica> replica)
    : replica_(std::move(replica)), record_version_(replica_->options().record_version_max) {}

KafkaEventLog::~KafkaEventLog() = default;

std::size_t KafkaEventLog::message_bytes_max() const {
  constexpr std::size_t kEnvelopeBytes = 4096;  // key, headers of the batch
  const auto bytes = replica_->options().client.message_bytes_max;
  return bytes > kEnvelopeBytes ? bytes - kEnvelopeBytes : 0;
}

// ---------------------------------------------------------------- claims
Result<std::unique_ptr<KafkaEventLog>> KafkaEventLog::take_over(
    std::unique_ptr<KafkaReplica> replica, const Nonce128& claim_nonce) {
  std::unique_ptr<KafkaEventLog> log(new KafkaEventLog(std::move(replica)));
  COFFER_TRY(log->start_producer());
  COFFER_TRY(log->claim_all(claim_nonce));
  return log;
}

Result<void> KafkaEventLog::start_producer() {
  const auto& topics = replica_->topics();
  COFFER_ASSIGN(producer_, environment().make_producer(
                               std::vector{topics.events, topics.access, topics.keys}));
  return {};
}

Result<void> KafkaEventLog::claim_all(const Nonce128& nonce) {
  for (const auto partition : replica_->options().partitions) COFFER_TRY(claim(partition, nonce));
  return {};
}

Result<void> KafkaEventLog::claim(PartitionId partition, const Nonce128& nonce) {
  COFFER_TRY(replica_->catch_up(partition));
  if (!replica_->options().takes_marked_vault)
    COFFER_TRY(refuse_marked_vault(replica_->state(), replica_->topics()));
  const auto& place = replica_->place(partition);
  const auto before = place.events_claim;
  const auto expected = place.events_next;
  auto last_foreign = replica_->last_event_read(partition);
  const Claim own{std::max(place.events_claim.epoch, place.access_claim.epoch) + 1, nonce};
  const codec::ReplicatedRecord record{own.epoch, own.nonce,
                                       codec::ClaimBody{replica_->options().node}};
  claims_[partition] = own;
  made_.emplace(own.epoch, own.nonce);
  const auto sent_at = environment().now();
  COFFER_ASSIGN(const auto offset, send_one(replica_->topics().events, partition, record));
  const bool alone = offset == static_cast<KafkaOffset>(expected);
  if (!alone) last_foreign = environment().now();
  COFFER_TRY(read_up_to(partition, behind(std::span(&offset, 1), 0), place.access_next));
  COFFER_TRY(check_foreign_claim(partition));
  if (!replica_->options().takes_marked_vault)
    COFFER_TRY(refuse_marked_vault(replica_->state(), replica_->topics()));
  // The same claim in the topic "access", so that its readers need no other topic.
  COFFER_ASSIGN(const auto access, send_one(replica_->topics().access, partition, record));
  COFFER_TRY(read_up_to(partition, place.events_next, behind(std::span(&access, 1), 0)));
  COFFER_TRY(check_foreign_claim(partition));
  replica_->stop_reading(partition);
  const auto stands = [&](const ClaimState& claim) {
    return rules().is_claim(claim, own) && !claim.released;
  };
  if (stands(place.events_claim) && stands(place.access_claim)) {
    // Nobody else may still answer on a lease when this node begins to.
    const bool handed_over = before.released || before.epoch == 0;
    if (!alone || !(handed_over || is_own(before)))
      environment().sleep_until(rules().answers_from(last_foreign, replica_->options().lease));
    leases_[partition] = Lease(replica_->options().lease);
    renew_lease(partition, sent_at);
    return {};
  }
  return fail(ErrorCode::unavailable,
              fmt::format("an older claim of this node to partition {} came late", partition));
}

bool KafkaEventLog::is_own(const ClaimState& claim) const {
  return std::any_of(made_.begin(), made_.end(), [&](const auto& made) {
    return rules().is_claim(claim, {made.first, made.second});
  });
}

// Claims whose sending failed count as this node's too: they may have arrived.
Result<void> KafkaEventLog::check_foreign_claim(PartitionId partition) const {
  const auto& place = replica_->place(partition);
  // Between the claims in the two topics, an older one stands in "access".
  if (is_own(place.events_claim) &&
      (is_own(place.access_claim) || place.access_claim.epoch < place.events_claim.epoch))
    return {};
  return fail(
      ErrorCode::unavailable,
      fmt::format("partition {} was claimed by {} with epoch {}: writes go to that node", partition,
                  place.owner.empty() ? "another node" : place.owner, place.events_claim.epoch));
}

std::uint64_t KafkaEventLog::epoch(PartitionId partition) const {
  const std::lock_guard lock(mutex_);
  const auto found = claims_.find(partition);
  return found == claims_.end() ? 0 : found->second.epoch;
}

Result<void> KafkaEventLog::recover(const Nonce128& claim_nonce) {
  const std::lock_guard lock(mutex_);
  if (refusal_.empty()) return {};
  producer_.reset();
  dead_keys_.clear();
  sweep_needed_ = true;
  const auto& partitions = replica_->options().partitions;
  for (const auto partition : partitions) {
    replica_->stop_reading(partition);
    COFFER_TRY(replica_->catch_up(partition));
    COFFER_TRY(check_foreign_claim(partition));
  }
  COFFER_TRY(start_producer());
  // What the old producer still had under way may arrive until here; behind the new claim it does
  // not count any more.
  COFFER_TRY(claim_all(claim_nonce));
  refusal_.clear();
  stopped_ = false;
  return {};
}

Error KafkaEventLog::lose(const Error& cause) {
  producer_.reset();
  tombstones_.clear();
  dead_keys_.clear();
  sweep_needed_ = true;
  stop("the log stopped after a write with an unknown outcome; it has to recover first");
  for (const auto& [partition, claim] : claims_) {
    replica_->stop_reading(partition);
    auto known = replica_->catch_up(partition);
    if (known) known = check_foreign_claim(partition);
    replica_->stop_reading(partition);
    if (!known) stop(known.error().message);
  }
  return fail(ErrorCode::unknown_outcome, cause.message);
}

void KafkaEventLog::stop(std::string why) {
  refusal_ = std::move(why);
  stopped_ = true;
}

// ---------------------------------------------------------------- leases
// Without events of its own a batch renews no lease: a barrier goes with it in time.
void KafkaEventLog::add_renewals(EncodedBatch& batch) const {
  const auto now = environment().now();
  for (auto& [partition, appends] : batch.partitions) {
    if (!appends.events.empty() || !rules().needs_renewal(leases_.at(partition), now)) continue;
    appends.events.push_back(barrier_under(claims_.at(partition)));
  }
}

// After the batch was acknowledged: this node is the owner now, or it says nothing.
Result<void> KafkaEventLog::hold_leases(const std::set<PartitionId>& partitions) {
  constexpr int kAttempts = 3;
  for (const auto partition : partitions) {
    for (int i = 0;
         i < kAttempts && !rules().may_answer(leases_.at(partition), environment().now()); ++i) {
      EncodedBatch barrier;
      barrier.partitions[partition].events.push_back(barrier_under(claims_.at(partition)));
      COFFER_TRY(send_and_apply(barrier));
    }
    if (!rules().may_answer(leases_.at(partition), environment().now()))
      return fail(ErrorCode::unavailable, "Kafka takes longer than the lease lasts");
  }
  return {};
}

// ---------------------------------------------------------------- sending
Result<KafkaOffset> KafkaEventLog::send_one(const std::string& topic, PartitionId partition,
                                            const codec::ReplicatedRecord& record) {
  const auto bytes = codec::encode_replicated(record);
  const KafkaMessage message{{}, BytesView(bytes)};
  COFFER_ASSIGN(const auto tickets, producer_->send(topic, partition, std::span(&message, 1)));
  COFFER_ASSIGN(const auto offsets, producer_->await(tickets));
  return offsets.front();
}

Result<KafkaEventLog::Tickets> KafkaEventLog::send_all(
    const std::string& topic, PartitionId partition, const std::vector<EncodedMessage>& messages) {
  std::vector<KafkaMessage> out;
  out.reserve(messages.size());
  for (const auto& message : messages) out.push_back({{}, BytesView(message.bytes)});
  return producer_->send(topic, partition, out);
}

Result<void> KafkaEventLog::read_up_to(PartitionId partition,
                                       std::optional<std::uint64_t> events_next,
                                       std::optional<std::uint64_t> access_next) {
  if (!events_next || !access_next) return replica_->catch_up(partition);
  return replica_->catch_up_to(partition, *events_next, *access_next);
}

Result<void> KafkaEventLog::read_over_gap(PartitionId partition, const Written& written) {
  const auto& place = replica_->place(partition);
  const auto events_wanted = place.events_admitted + written.events;
  const auto access_wanted = place.access_admitted + written.access;
  auto read = read_up_to(partition, written.events_next, written.access_next);
  if (read) read = check_foreign_claim(partition);
  replica_->stop_reading(partition);
  // Read instead of applied as our own: nobody noted which blobs died.
  sweep_needed_ = true;
  if (!read) return fail(ErrorCode::unknown_outcome, read.error().message);
  if (place.events_admitted == events_wanted && place.access_admitted == access_wanted) return {};
  return fail(
      ErrorCode::unknown_outcome,
      fmt::format("a write to partition {} was acknowledged and is not in the log", partition));
}

Result<void> KafkaEventLog::send_first_part(EncodedBatch& batch, OwnBatch& own) {
  const auto& topics = replica_->topics();
  std::map<PartitionId, std::pair<Tickets, Tickets>> sent;
  for (const auto& [partition, appends] : batch.partitions) {
    auto& [blobs, access] = sent[partition];
    if (!appends.blobs.empty()) {
      COFFER_ASSIGN(blobs, send_keys(partition, appends.blobs));
    }
    COFFER_ASSIGN(access, send_all(topics.access, partition, appends.access));
  }
  for (auto& [partition, appends] : batch.partitions) {
    const auto next = replica_->place(partition).access_next;
    COFFER_ASSIGN(const auto blobs, producer_->await(sent[partition].first));
    COFFER_ASSIGN(const auto access, producer_->await(sent[partition].second));
    auto& records = own[partition];
    records.keys_next = behind(blobs, 0).value_or(0);
    if (rules().is_dense(access, next)) {
      records.access = with_offsets(appends.access, next);
    } else {
      COFFER_TRY(read_over_gap(partition, {replica_->place(partition).events_next,
                                           behind(access, next), 0, access.size()}));
    }
  }
  return {};
}

Result<void> KafkaEventLog::send_events(EncodedBatch& batch, OwnBatch& own) {
  std::map<PartitionId, Tickets> sent;
  for (const auto& [partition, appends] : batch.partitions) {
    COFFER_ASSIGN(sent[partition], send_all(replica_->topics().events, partition, appends.events));
  }
  for (auto& [partition, appends] : batch.partitions) {
    const auto& place = replica_->place(partition);
    auto& records = own[partition];
    COFFER_ASSIGN(const auto events, producer_->await(sent[partition]));
    if (rules().is_dense(events, place.events_next)) {
      records.events = with_offsets(appends.events, place.events_next);
      records.blobs = std::move(appends.blobs);
    } else {
      const auto access_next =
          records.access.empty() ? place.access_next : records.access.back().first + 1;
      COFFER_TRY(read_over_gap(partition, {behind(events, place.events_next), access_next,
                                           events.size(), records.access.size()}));
      own.erase(partition);
    }
  }
  return {};
}

void KafkaEventLog::renew_lease(PartitionId partition, Lease::Time from) {
  leases_.at(partition).renew(from);
  lease_ends_ = std::max(lease_ends_.load(), from + replica_->options().lease);
}

Result<void> KafkaEventLog::send_and_apply(EncodedBatch& batch) {
  OwnBatch own;
  COFFER_TRY(send_first_part(batch, own));
  const auto sent_at = environment().now();
  COFFER_TRY(send_events(batch, own));
  const auto lease_begin = rules().lease_begins(sent_at, environment().now());
  for (const auto& [partition, appends] : batch.partitions)
    if (!appends.events.empty()) renew_lease(partition, lease_begin);
  return apply(own);
}

Result<void> KafkaEventLog::apply(const OwnBatch& own) {
  for (const auto& [partition, records] : own) {
    COFFER_ASSIGN(auto dead, replica_->apply_own(partition, records));
    note_dead_keys(partition, std::move(dead));
  }
  return {};
}

Result<void> KafkaEventLog::check_writable() {
  if (!refusal_.empty()) return fail(ErrorCode::unavailable, refusal_);
  return replica_->state().check_writable();
}

Result<std::vector<Appended>> KafkaEventLog::append(std::span<Append> batch) {
  const std::lock_guard lock(mutex_);
  COFFER_TRY(check_writable());
  COFFER_ASSIGN(auto encoded, encode_appends(batch, replica_->state(), claims_, message_bytes_max(),
                                             record_version_));
  add_renewals(encoded);
  std::set<PartitionId> partitions;
  for (const auto& [partition, appends] : encoded.partitions) partitions.insert(partition);
  if (const auto done = send_and_apply(encoded); !done) return lose(done.error());
  if (const auto held = hold_leases(partitions); !held) return lose(held.error());
  return std::move(encoded.appended);
}

Result<void> KafkaEventLog::append_own_record(PartitionId partition,
                                              const codec::ReplicatedRecord& record,
                                              bool access_too) {
  EncodedBatch batch;
  auto& appends = batch.partitions[partition];
  appends.events.push_back({record, codec::encode_replicated(record)});
  if (access_too) appends.access.push_back(appends.events.front());
  if (const auto done = send_and_apply(batch); !done) return lose(done.error());
  return {};
}

Result<void> KafkaEventLog::barrier(PartitionId partition) {
  const std::lock_guard lock(mutex_);
  COFFER_TRY(check_writable());
  const auto& own = claims_.at(partition);
  return append_own_record(partition, {own.epoch, own.nonce, codec::NoopBody{}}, false);
}

Result<void> KafkaEventLog::release() {
  const std::lock_guard lock(mutex_);
  COFFER_TRY(check_writable());
  for (const auto& [partition, own] : claims_)
    COFFER_TRY(append_own_record(partition, {own.epoch, own.nonce, codec::ReleaseBody{}}, true));
  stop("this node has handed its partitions over");
  return {};
}

// ---------------------------------------------------------------- reads: the local store
Result<std::optional<Bytes>> KafkaEventLog::get(Family family, BytesView key) const {
  return state().get(family, key);
}
Result<std::vector<Row>> KafkaEventLog::scan(Family family, BytesView prefix, BytesView after,
                                             std::size_t limit) const {
  return state().scan(family, prefix, after, limit);
}
Result<std::vector<StoredRecord>> KafkaEventLog::read_events(PartitionId partition,
                                                             LogPosition from,
                                                             std::size_t limit) const {
  return state().read_events(partition, from, limit);
}
Result<std::vector<StoredRecord>> KafkaEventLog::read_tenant(TenantId tenant, TenantSequence from,
                                                             std::size_t limit) const {
  return state().read_tenant(tenant, from, limit);
}
Result<std::vector<StoredRecord>> KafkaEventLog::read_access(PartitionId partition,
                                                             LogPosition from,
                                                             std::size_t limit) const {
  return state().read_access(partition, from, limit);
}
Result<TenantSequence> KafkaEventLog::tenant_end(const TenantId& tenant) const {
  return state().tenant_end(tenant);
}
LogPosition KafkaEventLog::events_end(PartitionId partition) const {
  return state().heads(partition).events;
}
LogPosition KafkaEventLog::access_end(PartitionId partition) const {
  return state().heads(partition).access;
}
Result<AccessTrim> KafkaEventLog::trim_access(PartitionId partition, Timestamp older_than,
                                              std::uint64_t bytes_max) {
  return replica_->state().trim_access(partition, older_than, bytes_max);
}
Result<AccessTrim> KafkaEventLog::read_access_trim(PartitionId partition) const {
  return state().read_access_trim(partition);
}

Result<std::unique_ptr<KafkaEventLog>> open_kafka_log(const KafkaLogOptions& options,
                                                      const Nonce128& claim_nonce) {
  COFFER_ASSIGN(auto replica, KafkaReplica::open(options));
  return KafkaEventLog::take_over(std::move(replica), claim_nonce);
}

}  // namespace coffer::log
