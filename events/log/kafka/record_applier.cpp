#include "events/log/kafka/record_applier.h"

#include <fmt/format.h>

#include "events/log/kafka/key_stage.h"
#include "events/log/meta_rows.h"
#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

Bytes place_row(PartitionId partition) {
  auto row = meta_row(kReplicaPlaceRows);
  append_u32(row, partition);
  return row;
}

Bytes missing_prefix(PartitionId partition) {
  auto row = meta_row(kMissingKeyRows);
  append_u32(row, partition);
  return row;
}

bool starts_with(BytesView bytes, BytesView prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

ClaimState from_stored(const codec::ClaimInForce& claim) {
  return {claim.epoch, claim.nonce, claim.released};
}
codec::ClaimInForce to_stored(const ClaimState& claim) {
  return {claim.epoch, claim.nonce, claim.released};
}

Result<Family> family_of(std::uint32_t number) {
  if (number == 0 || number > kFamilyCount)
    return fail(ErrorCode::corrupt, fmt::format("a change of the unknown family {}", number));
  return static_cast<Family>(number - 1);
}

bool follows(const Bytes& previous_hash, bool has_previous, const Sha256& hash) {
  if (!has_previous) return previous_hash.empty();
  return std::equal(previous_hash.begin(), previous_hash.end(), hash.begin(), hash.end());
}

Result<Sha256> stored_hash(BytesView bytes) {
  Sha256 hash;
  if (bytes.size() != hash.size())
    return fail(ErrorCode::corrupt, "a row of awaited keys has a wrong size");
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

constexpr std::size_t kScanRows = 10'000;

}  // namespace

ClaimedRecord claimed(const codec::ReplicatedRecord& record) {
  constexpr RecordKind kKinds[] = {RecordKind::claim, RecordKind::release, RecordKind::barrier,
                                   RecordKind::append, RecordKind::append};
  static_assert(std::size(kKinds) == std::variant_size_v<decltype(record.body)>);
  return {kKinds[record.body.index()], record.epoch, record.nonce};
}

Bytes missing_row(PartitionId partition, const Bytes& row) {
  auto out = missing_prefix(partition);
  append(out, row);
  return out;
}

Result<std::uint64_t> count_missing(const StateStore& state, PartitionId partition) {
  std::uint64_t count = 0;
  Bytes after;
  while (true) {
    COFFER_ASSIGN(const auto rows,
                  state.scan(Family::meta, missing_prefix(partition), after, kScanRows));
    count += rows.size();
    if (rows.size() < kScanRows) return count;
    after = rows.back().key;
  }
}

Result<ReplicaPlace> load_place(const StateStore& state, PartitionId partition) {
  ReplicaPlace place;
  COFFER_ASSIGN(const auto stored, state.get(Family::meta, place_row(partition)));
  if (!stored) {
    COFFER_ASSIGN(const auto embedded, state.get(Family::meta, meta_row(kClaimEpochRow)));
    if (embedded)
      return fail(
          ErrorCode::invalid_argument,
          "the store is an embedded vault's: a cluster node needs a data folder of its own");
    return place;
  }
  COFFER_ASSIGN(const auto position, codec::decode_replica_position(*stored));
  place.events_next = position.events_next;
  place.access_next = position.access_next;
  place.keys_next = position.keys_next;
  place.events_claim = from_stored(position.events_claim);
  place.access_claim = from_stored(position.access_claim);
  place.owner = position.owner;
  COFFER_ASSIGN(place.missing, count_missing(state, partition));
  return place;
}

RecordApplier::RecordApplier(StateStore& state, PartitionId partition, ReplicaPlace& place,
                             BlobSource& blobs, const OwnershipRules& rules)
    : state_(state),
      partition_(partition),
      place_(place),
      blobs_(blobs),
      rules_(rules),
      next_(place),
      batch_(state.new_batch()),
      heads_(state.heads(partition)) {}

// ---------------------------------------------------------------- events
Result<void> RecordApplier::add_event_message(std::uint64_t offset,
                                              const codec::ReplicatedRecord& record) {
  if (offset < next_.events_next) return {};  // delivered twice
  if (offset > next_.events_next)
    return fail(ErrorCode::corrupt, fmt::format("events {} to {} of partition {} are not in their "
                                                "topic any more",
                                                next_.events_next, offset - 1, partition_));
  next_.events_next = offset + 1;
  if (!rules_.admits(next_.events_claim, claimed(record))) return {};
  if (const auto* claim = std::get_if<codec::ClaimBody>(&record.body)) {
    next_.owner = claim->node;
    blobs_.claimed(next_.events_claim);
    return {};
  }
  ++next_.events_admitted;
  if (const auto* body = std::get_if<codec::AppendBody>(&record.body))
    COFFER_TRY(add_command(offset, record, *body));
  if (const auto* group = std::get_if<codec::GroupBody>(&record.body))
    for (const auto& body : group->commands) COFFER_TRY(add_command(offset, record, body));
  return {};
}

Result<void> RecordApplier::add_command(std::uint64_t offset, const codec::ReplicatedRecord& record,
                                        const codec::AppendBody& body) {
  if (!body.event.empty()) COFFER_TRY(add_event(record, body.event));
  for (const auto& change : body.changes) COFFER_TRY(add_change(change, offset));
  for (const auto& range : body.row_ranges) COFFER_TRY(add_range(range));
  return {};
}

Result<void> RecordApplier::add_event(const codec::ReplicatedRecord& record, BytesView bytes) {
  COFFER_ASSIGN(const auto event, codec::decode_record(bytes));
  auto found = tenants_.find(event.tenant);
  if (found == tenants_.end()) {
    COFFER_ASSIGN(const auto head, state_.tenant_head(event.tenant));
    found = tenants_.emplace(event.tenant, head).first;
  }
  auto& head = found->second;
  if (event.epoch != record.epoch || event.nonce != record.nonce ||
      event.tenant_sequence != head.sequence + 1 ||
      !follows(event.previous_hash, head.sequence > 0, head.hash))
    return fail(ErrorCode::corrupt,
                fmt::format("record {} of a tenant in partition {} does not follow the one before "
                            "it",
                            event.tenant_sequence, partition_));
  batch_->put_event(partition_, ++heads_.events, event.tenant, event.tenant_sequence, bytes);
  head = {event.tenant_sequence, record_hash(bytes)};
  return {};
}

Result<void> RecordApplier::add_change(const codec::RowChange& change, std::uint64_t offset) {
  COFFER_ASSIGN(const auto family, family_of(change.family));
  const auto* hash = std::get_if<Sha256>(&change.content);
  const auto* value = std::get_if<Bytes>(&change.content);
  if ((hash != nullptr && family != Family::keys) || (value != nullptr && family == Family::keys))
    return fail(ErrorCode::corrupt, "a change of a row has the content of another family");
  if (family == Family::keys) {
    COFFER_TRY(note_dead_key(change.row));
    COFFER_TRY(forget_missing(change.row));
  }
  if (hash != nullptr) return put_key(change.row, *hash, offset);
  if (value != nullptr) {
    batch_->put(family, change.row, *value);
  } else {
    batch_->erase(family, change.row);
  }
  return {};
}

Result<void> RecordApplier::add_range(const codec::RowRange& range) {
  COFFER_ASSIGN(const auto family, family_of(range.family));
  if (family == Family::keys) {
    COFFER_TRY(note_dead_keys_below(range.prefix));
    COFFER_TRY(forget_missing_below(range.prefix));
  }
  batch_->erase_prefix({family, range.prefix});
  return {};
}

// ---------------------------------------------------------------- wrapped keys
Result<void> RecordApplier::put_key(const Bytes& row, const Sha256& hash, std::uint64_t offset) {
  COFFER_ASSIGN(const auto blob, blobs_.find(row, hash, offset));
  if (!blob) {
    batch_->erase(Family::keys, row);
    await(row, hash);
    key_rows_[row] = std::nullopt;
    return {};
  }
  batch_->put(Family::keys, row, *blob);
  key_rows_[row] = hash;
  return {};
}

Result<std::optional<Sha256>> RecordApplier::awaited(const Bytes& row) const {
  if (const auto noted = missing_.find(row); noted != missing_.end()) return noted->second;
  if (place_.missing == 0) return std::optional<Sha256>{};
  COFFER_ASSIGN(const auto stored, state_.get(Family::meta, missing_row(partition_, row)));
  if (!stored) return std::optional<Sha256>{};
  COFFER_ASSIGN(const auto hash, stored_hash(*stored));
  return std::optional<Sha256>{hash};
}

// Precondition: it is not awaited.
void RecordApplier::await(const Bytes& row, const Sha256& hash) {
  batch_->put(Family::meta, missing_row(partition_, row), hash);
  missing_[row] = hash;
  ++next_.missing;
}

Result<void> RecordApplier::forget_missing(const Bytes& row) {
  COFFER_ASSIGN(const auto hash, awaited(row));
  if (!hash) return {};
  batch_->erase(Family::meta, missing_row(partition_, row));
  missing_[row] = std::nullopt;
  --next_.missing;
  return {};
}

Result<void> RecordApplier::forget_missing_below(const Bytes& prefix) {
  if (next_.missing == 0) return {};
  const auto skipped = missing_prefix(partition_).size();
  COFFER_ASSIGN(const auto stored,
                state_.scan(Family::meta, missing_row(partition_, prefix), {}, ~std::size_t{0}));
  for (const auto& row : stored)
    COFFER_TRY(forget_missing(
        Bytes(row.key.begin() + static_cast<std::ptrdiff_t>(skipped), row.key.end())));
  std::vector<Bytes> noted;
  for (auto it = missing_.lower_bound(prefix);
       it != missing_.end() && starts_with(it->first, prefix); ++it)
    noted.push_back(it->first);
  for (const auto& row : noted) COFFER_TRY(forget_missing(row));
  return {};
}

Result<bool> RecordApplier::install_missing(const Bytes& row, const Sha256& hash, BytesView blob) {
  COFFER_ASSIGN(const auto wanted, awaited(row));
  if (wanted != hash) return false;
  COFFER_TRY(forget_missing(row));
  batch_->put(Family::keys, row, blob);
  key_rows_[row] = hash;
  return true;
}

Result<void> RecordApplier::withdraw(const Bytes& row, const Sha256& hash) {
  std::optional<Sha256> held;
  if (const auto noted = key_rows_.find(row); noted != key_rows_.end()) {
    held = noted->second;
  } else {
    COFFER_ASSIGN(const auto stored, state_.get(Family::keys, row));
    if (stored) held = record_hash(*stored);
  }
  if (held != hash) return {};
  batch_->erase(Family::keys, row);
  key_rows_[row] = std::nullopt;
  await(row, hash);
  return {};
}

Result<void> RecordApplier::note_dead_key(const Bytes& row) {
  std::optional<Sha256> old;
  if (const auto noted = key_rows_.find(row); noted != key_rows_.end()) {
    old = noted->second;
  } else {
    COFFER_ASSIGN(const auto stored, state_.get(Family::keys, row));
    if (stored) old = record_hash(*stored);
  }
  if (old) {
    dead_keys_.insert(key_message_key(row, *old));
    batch_->erase(Family::keys, row);  // also before a new value: so the old one is shredded
  }
  key_rows_[row] = std::nullopt;
  return {};
}

Result<void> RecordApplier::note_dead_keys_below(const Bytes& prefix) {
  COFFER_ASSIGN(const auto stored, state_.scan(Family::keys, prefix, {}, ~std::size_t{0}));
  for (const auto& row : stored) COFFER_TRY(note_dead_key(row.key));
  std::vector<Bytes> noted;
  for (auto it = key_rows_.lower_bound(prefix);
       it != key_rows_.end() && starts_with(it->first, prefix); ++it)
    noted.push_back(it->first);
  for (const auto& row : noted) COFFER_TRY(note_dead_key(row));
  return {};
}

std::vector<Bytes> RecordApplier::dead_keys() const {
  auto dead = dead_keys_;
  for (const auto& [row, hash] : key_rows_)
    if (hash) dead.erase(key_message_key(row, *hash));  // came back within the batch
  return {dead.begin(), dead.end()};
}

// ---------------------------------------------------------------- access
Result<void> RecordApplier::add_access_message(std::uint64_t offset,
                                               const codec::ReplicatedRecord& record) {
  if (offset < next_.access_next) return {};
  if (offset > next_.access_next) next_.access_gap = true;
  next_.access_next = offset + 1;
  const auto kind = claimed(record);
  if (kind.kind == RecordKind::claim) next_.access_gap &= record.epoch <= next_.access_claim.epoch;
  const auto* body = std::get_if<codec::AppendBody>(&record.body);
  const bool adopted =
      next_.access_gap && body != nullptr && record.epoch > next_.access_claim.epoch;
  if (adopted) next_.access_claim = {record.epoch, record.nonce, false};
  if (!rules_.admits(next_.access_claim, kind)) return {};
  if (kind.kind != RecordKind::claim) ++next_.access_admitted;
  if (body == nullptr || body->access.empty()) return {};
  if (body->access_start) COFFER_TRY(begin_access(*body->access_start));
  if (body->access_position != heads_.access + 1) {
    if (!next_.access_gap)
      return fail(ErrorCode::corrupt,
                  fmt::format("access record {} of partition {} has the position {}",
                              heads_.access + 1, partition_, body->access_position));
    // Begin anew behind the gap, as if what is gone had been trimmed here.
    COFFER_ASSIGN(const auto first, codec::decode_access_envelope(body->access.front()));
    AccessTrim trim{1, body->access_position - 1, {}};
    std::copy(first.previous_hash.begin(), first.previous_hash.end(), trim.last_hash.begin());
    batch_->erase_access(partition_, 1, ~0ull - 1);
    batch_->put_access_trim(partition_, trim);
    heads_.access = trim.last;
    heads_.access_hash = trim.last_hash;
  }
  return add_access(*body);
}

// A vault that was moved here had trimmed its log.
Result<void> RecordApplier::begin_access(const codec::AccessStart& start) {
  if (heads_.access != 0)
    return fail(ErrorCode::corrupt,
                fmt::format("the access records of partition {} begin twice", partition_));
  batch_->put_access_trim(partition_, {start.first, start.last, start.last_hash});
  heads_.access = start.last;
  heads_.access_hash = start.last_hash;
  return {};
}

Result<void> RecordApplier::add_access(const codec::AppendBody& body) {
  for (const auto& bytes : body.access) {
    COFFER_ASSIGN(const auto envelope, codec::decode_access_envelope(bytes));
    if (!follows(envelope.previous_hash, heads_.access > 0, heads_.access_hash))
      return fail(ErrorCode::corrupt,
                  fmt::format("access record {} of partition {} does not follow the one before it",
                              heads_.access + 1, partition_));
    batch_->put_access(partition_, ++heads_.access, bytes);
    heads_.access_hash = record_hash(bytes);
  }
  return {};
}

// ---------------------------------------------------------------- write
Result<void> RecordApplier::write(std::uint64_t keys_next) {
  next_.keys_next = keys_next;
  batch_->put(Family::meta, place_row(partition_),
              codec::encode_replica_position({next_.events_next, next_.access_next, next_.keys_next,
                                              to_stored(next_.events_claim),
                                              to_stored(next_.access_claim), next_.owner}));
  COFFER_TRY(state_.write(std::move(batch_), false));
  state_.set_heads(tenants_, partition_, heads_);
  place_ = std::move(next_);
  return {};
}

}  // namespace coffer::log
