#include "events/log/rocksdb_log.h"

#include <sys/statvfs.h>

#include <array>
#include <atomic>
#include <ctime>
#include <shared_mutex>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "events/log/listing_removal.h"
#include "events/log/row_replacement.h"
#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

// Positions of the column families in `handles_`: the state families first, in enum order.
enum : std::size_t { kEvents = kFamilyCount, kTenantIndex, kAccess, kHandleCount };
constexpr std::array<const char*, kHandleCount> kFamilyNames = {
    "meta",   "tenants",   "aggregates", "values",       "keys",  "listing",
    "tokens", "accessors", "events",     "tenant_index", "access"};
constexpr std::string_view kClaimRow = "claim_epoch";
constexpr std::string_view kFormatRow = "format";
constexpr std::uint32_t kFormat = 1;

rocksdb::Slice slice(BytesView bytes) {
  if (bytes.empty()) return {};  // the library compares even no bytes, and not from null
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
Bytes to_bytes(const rocksdb::Slice& s) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(s.data());
  return Bytes(begin, begin + s.size());
}
BytesView view(const rocksdb::Slice& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

Error to_error(const rocksdb::Status& status, std::string_view what) {
  const auto code = status.IsCorruption() ? ErrorCode::corrupt : ErrorCode::unavailable;
  return fail(code, fmt::format("{}: {}", what, status.ToString()));
}

// The smallest key greater than every key with this prefix; empty when there is none.
Bytes prefix_end(BytesView prefix) {
  Bytes end(prefix.begin(), prefix.end());
  while (!end.empty() && end.back() == 0xFF) end.pop_back();
  if (!end.empty()) ++end.back();
  return end;
}

rocksdb::ColumnFamilyOptions family_options(std::size_t family, const RocksDbOptions& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions out;
  out.write_buffer_size = options.write_buffer_bytes;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Sealed bytes do not compress; the key store stays searchable for the shredding proof.
  out.compression = rocksdb::kNoCompression;
  if (family == static_cast<std::size_t>(Family::keys)) out.enable_blob_files = false;
  return out;
}

// Or replaces them: the old blob is in the files all the same.
bool deletes_keys(const Append& element) {
  return !element.replacements.empty() ||
         std::any_of(element.changes.begin(), element.changes.end(),
                     [](const StateChange& change) {
                       return change.family == Family::keys && !change.value;
                     }) ||
         std::any_of(element.prefix_deletes.begin(), element.prefix_deletes.end(),
                     [](const PrefixDelete& range) { return range.family == Family::keys; });
}

class RocksDbLog final : public EventLog {
 public:
  explicit RocksDbLog(const RocksDbOptions& options) : options_(options) {}
  ~RocksDbLog() override {
    if (!db_) return;
    for (auto* handle : handles_) ignore(db_->DestroyColumnFamilyHandle(handle));
    ignore(db_->Close());
  }

  Result<void> open(const Nonce128& nonce);

  Result<std::optional<Bytes>> get(Family family, BytesView key) const override;
  Result<std::vector<Row>> scan(Family family, BytesView prefix, BytesView after,
                                std::size_t limit) const override;
  Result<std::vector<Appended>> append(std::span<Append> batch) override;
  Result<std::vector<StoredRecord>> read_events(PartitionId partition, LogPosition from,
                                                std::size_t limit) const override {
    return read_positions(kEvents, partition, from, limit);
  }
  Result<std::vector<StoredRecord>> read_access(PartitionId partition, LogPosition from,
                                                std::size_t limit) const override {
    return read_positions(kAccess, partition, from, limit);
  }
  Result<std::vector<StoredRecord>> read_tenant(TenantId tenant, TenantSequence from,
                                                std::size_t limit) const override;
  LogPosition events_end(PartitionId partition) const override;
  LogPosition access_end(PartitionId partition) const override;
  Result<AccessTrim> trim_access(PartitionId partition, Timestamp older_than,
                                 std::uint64_t bytes_max) override;
  Result<AccessTrim> read_access_trim(PartitionId partition) const override;
  Result<void> shred_deleted_keys() override;
  bool has_deleted_keys() const noexcept override { return keys_deleted_ != keys_shredded_; }

 private:
  static void ignore(const rocksdb::Status&) {}
  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }
  Result<void> take_claim(const Nonce128& nonce);
  Result<void> load_partition_heads();
  Result<TenantHead> load_tenant_head(const TenantId& tenant) const;
  Result<void> check_writable();
  struct Overlay {
    ListingOverlay listing;
    RowReplacement rows;
  };
  Result<Appended> add(Append& element, ChainBuilder& chain, rocksdb::WriteBatch& batch,
                       Overlay& overlay);
  Result<void> add_state(const Append& element, TenantSequence sequence, rocksdb::WriteBatch& batch,
                         Overlay& overlay);
  Result<void> write(rocksdb::WriteBatch& batch);
  Result<std::vector<StoredRecord>> read_positions(std::size_t family, PartitionId partition,
                                                   LogPosition from, std::size_t limit) const;

  RocksDbOptions options_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  Claim claim_;
  std::unordered_map<TenantId, TenantHead> tenant_heads_;  // writer only
  mutable std::shared_mutex heads_mutex_;                  // guards partition_heads_
  std::map<PartitionId, PartitionHeads> partition_heads_;
  std::atomic<bool> failed_ = false;
  // Counts appends that deleted keys; one is assumed from before the start.
  std::atomic<std::uint64_t> keys_deleted_ = 1;
  std::atomic<std::uint64_t> keys_shredded_ = 0;
  std::time_t space_checked_ = 0;
  bool space_ok_ = true;
};

Result<void> RocksDbLog::open(const Nonce128& nonce) {
  auto cache = rocksdb::NewLRUCache(options_.block_cache_bytes);
  rocksdb::DBOptions db_options;
  db_options.create_if_missing = true;
  db_options.create_missing_column_families = true;
  db_options.max_open_files = 512;
  db_options.keep_log_file_num = 4;
  db_options.max_background_jobs = 2;
  // A torn tail of the WAL is what a crash leaves: it was never acknowledged. Damage before the
  // tail is corruption and stops the start.
  db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions{});
  for (std::size_t i = 0; i < kHandleCount; ++i)
    families.emplace_back(kFamilyNames[i], family_options(i, options_, cache));
  rocksdb::DB* raw = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto status = rocksdb::DB::Open(db_options, options_.directory, families, &handles, &raw);
  if (!status.ok()) return to_error(status, "cannot open the store");
  db_.reset(raw);
  ignore(db_->DestroyColumnFamilyHandle(handles.front()));
  handles_.assign(handles.begin() + 1, handles.end());
  COFFER_TRY(take_claim(nonce));
  return load_partition_heads();
}

Result<void> RocksDbLog::take_claim(const Nonce128& nonce) {
  COFFER_ASSIGN(auto format, get(Family::meta, meta_row(kFormatRow)));
  if (format && (format->size() != 4 || read_u32(*format, 0) != kFormat))
    return fail(ErrorCode::corrupt, "the store has a format that this version does not know");
  COFFER_ASSIGN(auto stored, get(Family::meta, meta_row(kClaimRow)));
  claim_.epoch = stored && stored->size() == 8 ? read_u64(*stored, 0) + 1 : 1;
  claim_.nonce = nonce;
  rocksdb::WriteBatch batch;
  Bytes epoch;
  append_u64(epoch, claim_.epoch);
  Bytes format_bytes;
  append_u32(format_bytes, kFormat);
  ignore(batch.Put(handle(Family::meta), slice(meta_row(kClaimRow)), slice(epoch)));
  ignore(batch.Put(handle(Family::meta), slice(meta_row(kFormatRow)), slice(format_bytes)));
  return write(batch);
}

Result<void> RocksDbLog::load_partition_heads() {
  for (const std::size_t family : {std::size_t{kEvents}, std::size_t{kAccess}}) {
    std::unique_ptr<rocksdb::Iterator> it(
        db_->NewIterator(rocksdb::ReadOptions{}, handles_[family]));
    // Backwards, one partition at a time: the last row of each is its head.
    it->SeekToLast();
    while (it->Valid() && it->key().size() == 12) {
      const auto partition = read_u32(view(it->key()), 0);
      auto& heads = partition_heads_[partition];
      const auto position = read_u64(view(it->key()), 4);
      if (family == kEvents) {
        heads.events = position;
      } else {
        heads.access = position;
        heads.access_hash = record_hash(view(it->value()));
      }
      it->SeekForPrev(slice(position_key(partition, 0)));
    }
    if (!it->status().ok()) return to_error(it->status(), "cannot read the log's end");
  }
  return {};
}

Result<TenantHead> RocksDbLog::load_tenant_head(const TenantId& tenant) const {
  std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(rocksdb::ReadOptions{}, handles_[kTenantIndex]));
  it->SeekForPrev(slice(tenant_sequence_key(tenant, ~0ull)));
  if (!it->status().ok()) return to_error(it->status(), "cannot read the tenant's last record");
  if (!it->Valid() || it->key().size() != 24 || !it->key().starts_with(slice(tenant.view())))
    return TenantHead{};
  std::string record;
  const auto status = db_->Get(rocksdb::ReadOptions{}, handles_[kEvents], it->value(), &record);
  if (!status.ok()) return fail(ErrorCode::corrupt, "the tenant's last record is not in the log");
  return TenantHead{read_u64(view(it->key()), 16), record_hash(as_bytes(record))};
}

Result<std::optional<Bytes>> RocksDbLog::get(Family family, BytesView key) const {
  rocksdb::PinnableSlice value;
  const auto status = db_->Get(rocksdb::ReadOptions{}, handle(family), slice(key), &value);
  if (status.IsNotFound()) return std::optional<Bytes>{};
  if (!status.ok()) return to_error(status, "cannot read the store");
  return std::optional<Bytes>{to_bytes(value)};
}

Result<std::vector<Row>> RocksDbLog::scan(Family family, BytesView prefix, BytesView after,
                                          std::size_t limit) const {
  const auto end = prefix_end(prefix);
  const auto end_slice = slice(end);
  rocksdb::ReadOptions read;
  if (!end.empty()) read.iterate_upper_bound = &end_slice;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read, handle(family)));
  it->Seek(slice(after.empty() ? prefix : after));
  if (!after.empty() && it->Valid() && it->key() == slice(after)) it->Next();
  std::vector<Row> rows;
  for (; it->Valid() && rows.size() < limit; it->Next()) {
    if (!it->key().starts_with(slice(prefix))) break;
    rows.push_back({to_bytes(it->key()), to_bytes(it->value())});
  }
  if (!it->status().ok()) return to_error(it->status(), "cannot scan the store");
  return rows;
}

Result<void> RocksDbLog::check_writable() {
  if (failed_)
    return fail(ErrorCode::unavailable,
                "the log stopped after a failed write; free the cause and restart the server");
  const auto now = std::time(nullptr);
  if (now != space_checked_) {
    struct statvfs stat {};
    space_checked_ = now;
    space_ok_ = statvfs(options_.directory.c_str(), &stat) != 0 ||
                std::uint64_t{stat.f_bavail} * stat.f_frsize >= options_.free_bytes_min;
  }
  if (!space_ok_) return fail(ErrorCode::unavailable, "no space left on the log's disk");
  return {};
}

Result<void> RocksDbLog::write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.sync = options_.sync_every_append;
  const auto status = db_->Write(options, &batch);
  if (status.ok()) return {};
  // Whether the bytes reached the disk is not known: nothing may be appended behind them before
  // recovery has decided.
  failed_ = true;
  return fail(ErrorCode::unknown_outcome, fmt::format("log write failed: {}", status.ToString()));
}

Result<void> RocksDbLog::add_state(const Append& element, TenantSequence sequence,
                                   rocksdb::WriteBatch& batch, Overlay& overlay) {
  for (const auto& change : element.changes) {
    if (change.family == Family::listing)
      overlay.listing.note(change.key, change.value.has_value());
    if (!change.value) {
      ignore(batch.Delete(handle(change.family), slice(change.key)));
    } else if (change.stamped) {
      ignore(batch.Put(handle(change.family), slice(change.key),
                       slice(stamp(sequence, *change.value))));
    } else {
      ignore(batch.Put(handle(change.family), slice(change.key), slice(*change.value)));
    }
  }
  for (const auto& removal : element.listing_removals) {
    COFFER_ASSIGN(auto rows, overlay.listing.rows_to_delete(*this, removal));
    for (const auto& row : rows) ignore(batch.Delete(handle(Family::listing), slice(row)));
  }
  for (const auto& range : element.prefix_deletes)
    ignore(batch.DeleteRange(handle(range.family), slice(range.prefix),
                             slice(prefix_end(range.prefix))));
  overlay.rows.note(element);
  for (const auto& replacement : element.replacements) {
    COFFER_ASSIGN(const bool holds, overlay.rows.holds(*this, replacement));
    if (holds)
      ignore(
          batch.Put(handle(replacement.family), slice(replacement.key), slice(replacement.value)));
  }
  return {};
}

Result<Appended> RocksDbLog::add(Append& element, ChainBuilder& chain, rocksdb::WriteBatch& batch,
                                 Overlay& overlay) {
  Appended appended;
  if (element.event) {
    COFFER_ASSIGN(auto linked, chain.link_event(element.partition, std::move(*element.event)));
    const auto position = position_key(element.partition, linked.position);
    ignore(batch.Put(handles_[kEvents], slice(position), slice(linked.bytes)));
    ignore(batch.Put(handles_[kTenantIndex],
                     slice(tenant_sequence_key(element.event->tenant, linked.sequence)),
                     slice(position)));
    appended = {linked.sequence, linked.position};
  }
  for (auto& access : element.access) {
    const auto linked = chain.link_access(element.partition, std::move(access));
    ignore(batch.Put(handles_[kAccess], slice(position_key(element.partition, linked.position)),
                     slice(linked.bytes)));
  }
  COFFER_TRY(add_state(element, appended.tenant_sequence, batch, overlay));
  return appended;
}

Result<std::vector<Appended>> RocksDbLog::append(std::span<Append> elements) {
  COFFER_TRY(check_writable());
  ChainBuilder chain(claim_, tenant_heads_, partition_heads_,
                     [this](const TenantId& tenant) { return load_tenant_head(tenant); });
  rocksdb::WriteBatch batch;
  Overlay overlay{{}, RowReplacement(elements)};
  std::vector<Appended> out;
  out.reserve(elements.size());
  for (auto& element : elements) {
    COFFER_ASSIGN(auto appended, add(element, chain, batch, overlay));
    out.push_back(appended);
  }
  COFFER_TRY(write(batch));
  if (std::any_of(elements.begin(), elements.end(), deletes_keys)) ++keys_deleted_;
  const std::unique_lock lock(heads_mutex_);
  chain.commit();
  return out;
}

Result<std::vector<StoredRecord>> RocksDbLog::read_positions(std::size_t family,
                                                             PartitionId partition,
                                                             LogPosition from,
                                                             std::size_t limit) const {
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions{}, handles_[family]));
  std::vector<StoredRecord> records;
  for (it->Seek(slice(position_key(partition, from))); it->Valid() && records.size() < limit;
       it->Next()) {
    if (it->key().size() != 12 || read_u32(view(it->key()), 0) != partition) break;
    records.push_back({read_u64(view(it->key()), 4), to_bytes(it->value())});
  }
  if (!it->status().ok()) return to_error(it->status(), "cannot read the log");
  return records;
}

Result<std::vector<StoredRecord>> RocksDbLog::read_tenant(TenantId tenant, TenantSequence from,
                                                          std::size_t limit) const {
  std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(rocksdb::ReadOptions{}, handles_[kTenantIndex]));
  std::vector<StoredRecord> records;
  for (it->Seek(slice(tenant_sequence_key(tenant, from))); it->Valid() && records.size() < limit;
       it->Next()) {
    if (!it->key().starts_with(slice(tenant.view()))) break;
    std::string record;
    const auto status = db_->Get(rocksdb::ReadOptions{}, handles_[kEvents], it->value(), &record);
    if (!status.ok()) return fail(ErrorCode::corrupt, "an indexed record is not in the log");
    records.push_back({read_u64(view(it->value()), 4), to_bytes(record)});
  }
  if (!it->status().ok()) return to_error(it->status(), "cannot read the tenant's records");
  return records;
}

LogPosition RocksDbLog::events_end(PartitionId partition) const {
  const std::shared_lock lock(heads_mutex_);
  const auto found = partition_heads_.find(partition);
  return found == partition_heads_.end() ? 0 : found->second.events;
}

LogPosition RocksDbLog::access_end(PartitionId partition) const {
  const std::shared_lock lock(heads_mutex_);
  const auto found = partition_heads_.find(partition);
  return found == partition_heads_.end() ? 0 : found->second.access;
}

Result<AccessTrim> RocksDbLog::read_access_trim(PartitionId partition) const {
  auto name = meta_row("access_trim/");
  append_u32(name, partition);
  COFFER_ASSIGN(auto stored, get(Family::meta, name));
  AccessTrim trim;
  if (!stored) return trim;
  if (stored->size() != 48) return fail(ErrorCode::corrupt, "access trim record has a wrong size");
  trim.first = read_u64(*stored, 0);
  trim.last = read_u64(*stored, 8);
  std::copy_n(stored->begin() + 16, 32, trim.last_hash.begin());
  return trim;
}

Result<AccessTrim> RocksDbLog::trim_access(PartitionId partition, Timestamp older_than,
                                           std::uint64_t bytes_max) {
  COFFER_TRY(check_writable());
  // Sizes are those of the table files: exact counting would read the whole log.
  std::uint64_t bytes = 0;
  const auto begin = position_key(partition, 0);
  const auto end = position_key(partition, ~0ull);
  const rocksdb::Range range(slice(begin), slice(end));
  rocksdb::SizeApproximationOptions sizes;
  sizes.include_memtables = true;
  ignore(db_->GetApproximateSizes(sizes, handles_[kAccess], &range, 1, &bytes));

  AccessTrim trim;
  std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(rocksdb::ReadOptions{}, handles_[kAccess]));
  const auto head = access_end(partition);
  for (it->Seek(slice(begin)); it->Valid(); it->Next()) {
    if (it->key().size() != 12 || read_u32(view(it->key()), 0) != partition) break;
    const auto position = read_u64(view(it->key()), 4);
    if (position >= head) break;  // the chain's head always stays
    COFFER_ASSIGN(auto envelope, codec::decode_access_envelope(view(it->value())));
    const bool too_old = envelope.time < older_than;
    if (!too_old && bytes <= bytes_max) break;
    bytes -= std::min<std::uint64_t>(bytes, it->value().size() + 12);
    if (trim.first == 0) trim.first = position;
    trim.last = position;
    trim.last_hash = record_hash(view(it->value()));
  }
  if (!it->status().ok()) return to_error(it->status(), "cannot read the access log");
  if (trim.last == 0) return trim;
  it.reset();

  COFFER_ASSIGN(auto before, read_access_trim(partition));
  Bytes row;
  append_u64(row, before.first != 0 ? before.first : trim.first);
  append_u64(row, trim.last);
  coffer::append(row, trim.last_hash);
  auto name = meta_row("access_trim/");
  append_u32(name, partition);
  rocksdb::WriteBatch batch;
  ignore(batch.Put(handle(Family::meta), slice(name), slice(row)));
  ignore(batch.DeleteRange(handles_[kAccess], slice(position_key(partition, trim.first)),
                           slice(position_key(partition, trim.last + 1))));
  COFFER_TRY(write(batch));
  return trim;
}

Result<void> RocksDbLog::shred_deleted_keys() {
  const auto deleted = keys_deleted_.load();
  if (deleted == keys_shredded_) return {};
  // The order is the one that was shown to leave no copy in any file: flush every family, so that
  // no live WAL holds the blob, then compact the key family down to its last level.
  auto status = db_->Flush(rocksdb::FlushOptions{}, handles_);
  if (!status.ok()) return to_error(status, "cannot flush before shredding");
  rocksdb::CompactRangeOptions compact;
  compact.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  status = db_->CompactRange(compact, handle(Family::keys), nullptr, nullptr);
  if (!status.ok()) return to_error(status, "cannot compact the key store");
  keys_shredded_ = deleted;
  return {};
}

}  // namespace

Result<std::unique_ptr<EventLog>> open_rocksdb_log(const RocksDbOptions& options,
                                                   const Nonce128& claim_nonce) {
  auto log = std::make_unique<RocksDbLog>(options);
  COFFER_TRY(log->open(claim_nonce));
  return std::unique_ptr<EventLog>(std::move(log));
}

}  // namespace coffer::log
