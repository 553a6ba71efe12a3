#include "events/log/rocksdb_log.h"

#include "events/log/listing_removal.h"
#include "events/log/meta_rows.h"
#include "events/log/rocksdb_state.h"
#include "events/log/row_replacement.h"
#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

class RocksDbLog final : public EventLog, public SizedLog {
 public:
  explicit RocksDbLog(const RocksDbOptions& options)
      : synced_(options.sync_every_append), state_(options) {}

  Result<void> open(const Nonce128& nonce) {
    COFFER_TRY(state_.open());
    COFFER_ASSIGN(const auto places, state_.scan(Family::meta, meta_row(kReplicaPlaceRows), {}, 1));
    if (!places.empty())
      return fail(ErrorCode::invalid_argument,
                  "the store is a cluster node's copy: it cannot be used as an embedded one");
    return take_claim(nonce);
  }

  Result<std::optional<Bytes>> get(Family family, BytesView key) const override {
    return state_.get(family, key);
  }
  Result<std::vector<Row>> scan(Family family, BytesView prefix, BytesView after,
                                std::size_t limit) const override {
    return state_.scan(family, prefix, after, limit);
  }
  Result<std::vector<Appended>> append(std::span<Append> batch) override;
  Result<std::vector<StoredRecord>> read_events(PartitionId partition, LogPosition from,
                                                std::size_t limit) const override {
    return state_.read_events(partition, from, limit);
  }
  Result<std::vector<StoredRecord>> read_access(PartitionId partition, LogPosition from,
                                                std::size_t limit) const override {
    return state_.read_access(partition, from, limit);
  }
  Result<std::vector<StoredRecord>> read_tenant(TenantId tenant, TenantSequence from,
                                                std::size_t limit) const override {
    return state_.read_tenant(tenant, from, limit);
  }
  Result<TenantSequence> tenant_end(const TenantId& tenant) const override {
    return state_.tenant_end(tenant);
  }
  LogPosition events_end(PartitionId partition) const override {
    return state_.heads(partition).events;
  }
  LogPosition access_end(PartitionId partition) const override {
    return state_.heads(partition).access;
  }
  Result<AccessTrim> trim_access(PartitionId partition, Timestamp older_than,
                                 std::uint64_t bytes_max) override {
    return state_.trim_access(partition, older_than, bytes_max);
  }
  Result<AccessTrim> read_access_trim(PartitionId partition) const override {
    return state_.read_access_trim(partition);
  }
  Result<void> shred_deleted_keys() override { return state_.shred_deleted_keys(); }
  bool has_deleted_keys() const noexcept override { return state_.has_deleted_keys(); }
  LogSizes sizes() const override { return state_.sizes(); }

 private:
  Result<void> take_claim(const Nonce128& nonce);
  struct Overlay {
    ListingOverlay listing;
    RowReplacement rows;
  };
  Result<Appended> add(Append& element, ChainBuilder& chain, RocksDbBatch& batch, Overlay& overlay);
  Result<void> add_state(const Append& element, TenantSequence sequence, RocksDbBatch& batch,
                         Overlay& overlay);

  bool synced_;
  RocksDbState state_;
  Claim claim_;
};

Result<void> RocksDbLog::take_claim(const Nonce128& nonce) {
  COFFER_ASSIGN(auto stored, get(Family::meta, meta_row(kClaimEpochRow)));
  claim_.epoch = stored && stored->size() == 8 ? read_u64(*stored, 0) + 1 : 1;
  claim_.nonce = nonce;
  Bytes epoch;
  append_u64(epoch, claim_.epoch);
  RocksDbBatch batch(state_);
  batch.put(Family::meta, meta_row(kClaimEpochRow), epoch);
  return state_.write(batch, synced_);
}

Result<void> RocksDbLog::add_state(const Append& element, TenantSequence sequence,
                                   RocksDbBatch& batch, Overlay& overlay) {
  for (const auto& change : element.changes) {
    if (change.family == Family::listing)
      overlay.listing.note(change.key, change.value.has_value());
    if (!change.value) {
      batch.erase(change.family, change.key);
    } else if (change.stamped) {
      batch.put(change.family, change.key, stamp(sequence, *change.value));
    } else {
      batch.put(change.family, change.key, *change.value);
    }
  }
  for (const auto& removal : element.listing_removals) {
    COFFER_ASSIGN(auto rows, overlay.listing.rows_to_delete(*this, removal));
    for (const auto& row : rows) batch.erase(Family::listing, row);
  }
  for (const auto& range : element.prefix_deletes) batch.erase_prefix(range);
  overlay.rows.note(element);
  for (const auto& replacement : element.replacements) {
    COFFER_ASSIGN(const bool holds, overlay.rows.holds(*this, replacement));
    if (holds) batch.replace(replacement.family, replacement.key, replacement.value);
  }
  return {};
}

Result<Appended> RocksDbLog::add(Append& element, ChainBuilder& chain, RocksDbBatch& batch,
                                 Overlay& overlay) {
  Appended appended;
  if (element.event) {
    COFFER_ASSIGN(auto linked, chain.link_event(element.partition, std::move(*element.event)));
    batch.put_event(element.partition, linked.position, element.event->tenant, linked.sequence,
                    linked.bytes);
    appended = {linked.sequence, linked.position};
  }
  for (auto& access : element.access) {
    const auto linked = chain.link_access(element.partition, std::move(access));
    batch.put_access(element.partition, linked.position, linked.bytes);
  }
  COFFER_TRY(add_state(element, appended.tenant_sequence, batch, overlay));
  return appended;
}

Result<std::vector<Appended>> RocksDbLog::append(std::span<Append> elements) {
  COFFER_TRY(state_.check_writable());
  auto chain = state_.chain(claim_);
  RocksDbBatch batch(state_);
  Overlay overlay{{}, RowReplacement(elements)};
  std::vector<Appended> out;
  out.reserve(elements.size());
  for (auto& element : elements) {
    COFFER_ASSIGN(auto appended, add(element, chain, batch, overlay));
    out.push_back(appended);
  }
  COFFER_TRY(state_.write(batch, synced_));
  state_.commit(chain);
  return out;
}

}  // namespace

Result<std::unique_ptr<EventLog>> open_rocksdb_log(const RocksDbOptions& options,
                                                   const Nonce128& claim_nonce) {
  auto log = std::make_unique<RocksDbLog>(options);
  COFFER_TRY(log->open(claim_nonce));
  return std::unique_ptr<EventLog>(std::move(log));
}

}  // namespace coffer::log
