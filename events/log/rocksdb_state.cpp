#include "events/log/rocksdb_state.h"

#include <sys/statvfs.h>

#include <array>
#include <filesystem>
#include <map>
#include <mutex>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "events/log/meta_rows.h"
#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

// Positions of the column families in `handles_`: those of enum Table.
enum : std::size_t { kEvents = kFamilyCount, kTenantIndex, kAccess, kHandleCount };
static_assert(std::size_t{kHandleCount} == kTableCount);
constexpr std::uint32_t kFormat = 1;

void ignore(const rocksdb::Status&) {}

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

class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

// ---------------------------------------------------------------- batches
RocksDbBatch::RocksDbBatch(const RocksDbState& state)
    : state_(state), batch_(std::make_unique<rocksdb::WriteBatch>()) {}
RocksDbBatch::~RocksDbBatch() = default;

void RocksDbBatch::put(Family family, BytesView row, BytesView value) {
  ignore(batch_->Put(state_.handle(family), slice(row), slice(value)));
}

void RocksDbBatch::replace(Family family, BytesView row, BytesView value) {
  put(family, row, value);
  deletes_keys_ |= family == Family::keys;
}

void RocksDbBatch::erase(Family family, BytesView row) {
  deletes_keys_ |= family == Family::keys;
  ignore(batch_->Delete(state_.handle(family), slice(row)));
}

void RocksDbBatch::erase_prefix(const PrefixDelete& range) {
  deletes_keys_ |= range.family == Family::keys;
  ignore(batch_->DeleteRange(state_.handle(range.family), slice(range.prefix),
                             slice(prefix_end(range.prefix))));
}

void RocksDbBatch::put_event(PartitionId partition, LogPosition position, const TenantId& tenant,
                             TenantSequence sequence, BytesView record) {
  const auto key = position_key(partition, position);
  ignore(batch_->Put(state_.handles_[kEvents], slice(key), slice(record)));
  ignore(batch_->Put(state_.handles_[kTenantIndex], slice(tenant_sequence_key(tenant, sequence)),
                     slice(key)));
}

void RocksDbBatch::put_access(PartitionId partition, LogPosition position, BytesView envelope) {
  ignore(batch_->Put(state_.handles_[kAccess], slice(position_key(partition, position)),
                     slice(envelope)));
}

void RocksDbBatch::erase_access(PartitionId partition, LogPosition first, LogPosition last) {
  ignore(batch_->DeleteRange(state_.handles_[kAccess], slice(position_key(partition, first)),
                             slice(position_key(partition, last + 1))));
}

// ---------------------------------------------------------------- open
RocksDbState::RocksDbState(const RocksDbOptions& options) : options_(options) {}

RocksDbState::~RocksDbState() {
  if (db_) {
    for (auto* handle : handles_) ignore(db_->DestroyColumnFamilyHandle(handle));
    ignore(db_->Close());
    db_.reset();
  }
  if (lock_ != nullptr) ignore(rocksdb::Env::Default()->UnlockFile(lock_));
}

Result<void> RocksDbState::open() {
  rocksdb::DBOptions db_options;
  db_options.create_if_missing = true;
  db_options.create_missing_column_families = true;
  db_options.keep_log_file_num = 4;
  db_options.max_background_jobs = 2;
  return open_database(db_options, false);
}

Result<void> RocksDbState::open_read_only() {
  // The library would make the lock's file in any folder, and its own log beside it.
  if (std::error_code error; !std::filesystem::exists(options_.directory + "/CURRENT", error))
    return fail(ErrorCode::not_found, "there is no store in " + options_.directory);
  const auto locked = rocksdb::Env::Default()->LockFile(options_.directory + "/LOCK", &lock_);
  if (!locked.ok()) return to_error(locked, "another process has the store");
  rocksdb::DBOptions db_options;
  db_options.info_log = std::make_shared<SilentLogger>();
  return open_database(db_options, true);
}

Result<void> RocksDbState::open_database(const rocksdb::DBOptions& base, bool read_only) {
  auto cache = rocksdb::NewLRUCache(options_.block_cache_bytes);
  auto db_options = base;
  db_options.max_open_files = 512;
  // A torn tail of the WAL is what a crash leaves: it was never acknowledged. Damage before the
  // tail is corruption and stops the start.
  db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions{});
  for (std::size_t i = 0; i < kHandleCount; ++i)
    families.emplace_back(std::string(table_name(static_cast<Table>(i))),
                          family_options(i, options_, cache));
  rocksdb::DB* raw = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto& directory = options_.directory;
  const auto status =
      read_only ? rocksdb::DB::OpenForReadOnly(db_options, directory, families, &handles, &raw)
                : rocksdb::DB::Open(db_options, directory, families, &handles, &raw);
  if (!status.ok()) return to_error(status, "cannot open the store");
  db_.reset(raw);
  ignore(db_->DestroyColumnFamilyHandle(handles.front()));
  handles_.assign(handles.begin() + 1, handles.end());
  COFFER_TRY(check_format(read_only));
  return load_partition_heads();
}

Result<void> RocksDbState::check_format(bool read_only) {
  COFFER_ASSIGN(auto format, get(Family::meta, meta_row(kFormatRow)));
  if (format ? format->size() != 4 || read_u32(*format, 0) != kFormat : read_only)
    return fail(ErrorCode::corrupt, "the store has a format that this version does not know");
  if (format) return {};
  Bytes bytes;
  append_u32(bytes, kFormat);
  RocksDbBatch batch(*this);
  batch.put(Family::meta, meta_row(kFormatRow), bytes);
  return write(batch, true);
}

Result<void> RocksDbState::load_partition_heads() {
  std::map<PartitionId, PartitionHeads> found;
  for (const std::size_t family : {std::size_t{kEvents}, std::size_t{kAccess}}) {
    std::unique_ptr<rocksdb::Iterator> it(
        db_->NewIterator(rocksdb::ReadOptions{}, handles_[family]));
    // Backwards, one partition at a time: the last row of each is its head.
    it->SeekToLast();
    while (it->Valid() && it->key().size() == 12) {
      const auto partition = read_u32(view(it->key()), 0);
      auto& heads = found[partition];
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
  for (const auto& [partition, heads] : found) load_heads(partition, heads);
  return {};
}

Result<TenantHead> RocksDbState::load_tenant_head(const TenantId& tenant) const {
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

// ---------------------------------------------------------------- reads
StateCursor RocksDbState::cursor(Table table) const {
  rocksdb::ReadOptions read;
  read.fill_cache = false;  // it passes every block once
  read.readahead_size = 1u << 20;
  std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(read, handles_[static_cast<std::size_t>(table)]));
  it->SeekToFirst();
  return StateCursor(std::move(it));
}

Result<std::optional<Bytes>> RocksDbState::get(Family family, BytesView key) const {
  rocksdb::PinnableSlice value;
  const auto status = db_->Get(rocksdb::ReadOptions{}, handle(family), slice(key), &value);
  if (status.IsNotFound()) return std::optional<Bytes>{};
  if (!status.ok()) return to_error(status, "cannot read the store");
  return std::optional<Bytes>{to_bytes(value)};
}

Result<std::vector<Row>> RocksDbState::scan(Family family, BytesView prefix, BytesView after,
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

// ---------------------------------------------------------------- writes
Result<void> RocksDbState::check_writable() {
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

std::unique_ptr<StateBatch> RocksDbState::new_batch() {
  return std::make_unique<RocksDbBatch>(*this);
}

Result<void> RocksDbState::write(std::unique_ptr<StateBatch> batch, bool synced) {
  return write(static_cast<RocksDbBatch&>(*batch), synced);
}

Result<void> RocksDbState::write(RocksDbBatch& batch, bool synced) {
  if (failed_) return fail(ErrorCode::unavailable, "the store stopped after a failed write");
  rocksdb::WriteOptions options;
  options.sync = synced;
  const auto status = db_->Write(options, batch.batch_.get());
  if (status.ok()) {
    if (batch.deletes_keys_) ++keys_deleted_;
    return {};
  }
  // Whether the bytes reached the disk is not known: nothing may be appended behind them before
  // recovery has decided.
  failed_ = true;
  return fail(ErrorCode::unknown_outcome, fmt::format("log write failed: {}", status.ToString()));
}

Result<std::vector<StoredRecord>> RocksDbState::read_events(PartitionId partition, LogPosition from,
                                                            std::size_t limit) const {
  return read_positions(kEvents, partition, from, limit);
}
Result<std::vector<StoredRecord>> RocksDbState::read_access(PartitionId partition, LogPosition from,
                                                            std::size_t limit) const {
  return read_positions(kAccess, partition, from, limit);
}

Result<std::vector<StoredRecord>> RocksDbState::read_positions(std::size_t family,
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

Result<std::vector<StoredRecord>> RocksDbState::read_tenant(TenantId tenant, TenantSequence from,
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

Result<Bytes> RocksDbState::indexed_position(const TenantId& tenant,
                                             TenantSequence sequence) const {
  rocksdb::PinnableSlice value;
  const auto status = db_->Get(rocksdb::ReadOptions{}, handles_[kTenantIndex],
                               slice(tenant_sequence_key(tenant, sequence)), &value);
  if (status.IsNotFound()) return Bytes{};
  if (!status.ok()) return to_error(status, "cannot read a tenant's index");
  return to_bytes(value);
}

Result<std::uint64_t> RocksDbState::count_indexed(PartitionId partition) const {
  std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(rocksdb::ReadOptions{}, handles_[kTenantIndex]));
  std::uint64_t count = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next())
    count += it->value().size() == 12 && read_u32(view(it->value()), 0) == partition ? 1 : 0;
  if (!it->status().ok()) return to_error(it->status(), "cannot read the tenants' index");
  return count;
}

// ---------------------------------------------------------------- retention
Result<AccessTrim> RocksDbState::find_trimmable(PartitionId partition, Timestamp older_than,
                                                std::uint64_t bytes_max) const {
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
  const auto head = heads(partition).access;
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
  return trim;
}

Result<AccessTrim> RocksDbState::trim_access(PartitionId partition, Timestamp older_than,
                                             std::uint64_t bytes_max) {
  COFFER_TRY(check_writable());
  COFFER_ASSIGN(auto trim, find_trimmable(partition, older_than, bytes_max));
  if (trim.last == 0) return trim;
  COFFER_ASSIGN(auto before, read_access_trim(partition));
  RocksDbBatch batch(*this);
  auto total = trim;
  if (before.first != 0) total.first = before.first;
  batch.put_access_trim(partition, total);
  batch.erase_access(partition, trim.first, trim.last);
  COFFER_TRY(write(batch, options_.sync_every_append));
  return trim;
}

LogSizes RocksDbState::sizes() const {
  LogSizes sizes;
  for (std::size_t i = 0; i < handles_.size(); ++i) {
    std::uint64_t bytes = 0;
    if (!db_->GetIntProperty(handles_[i], rocksdb::DB::Properties::kTotalSstFilesSize, &bytes))
      continue;
    auto& sum = i == kEvents   ? sizes.events_bytes
                : i == kAccess ? sizes.access_bytes
                               : sizes.state_bytes;
    sum += bytes;
  }
  return sizes;
}

Result<void> RocksDbState::shred_deleted_keys() {
  const std::lock_guard lock(files_mutex_);
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

}  // namespace coffer::log
