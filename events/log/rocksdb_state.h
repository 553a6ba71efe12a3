// The state families and both logs of a node in one RocksDB database: reads, batches, retention and
// the shredding of deleted keys. It knows nothing of claims and does not number records: that is
// the work of the logs above it (rocksdb_log, kafka/). The only code that touches RocksDB.
//
// A batch is atomic: after a crash all of it is there or nothing. Batches become durable in their
// order, so what a crash loses of unsynced ones is a tail.
//
// Threads: batches are made and written by one thread at a time; everything const, and
// shred_deleted_keys(), may be called from any thread.
#pragma once

#include <atomic>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "events/log/chain_builder.h"
#include "events/log/event_log.h"
#include "events/log/rocksdb_log.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class WriteBatch;
}  // namespace rocksdb

namespace coffer::log {

class RocksDbState;

// Changes that are written together, in the order in which they were put.
class StateBatch {
 public:
  explicit StateBatch(const RocksDbState& state);
  ~StateBatch();
  StateBatch(StateBatch&&) noexcept;
  StateBatch& operator=(StateBatch&&) = delete;

  void put(Family family, BytesView row, BytesView value);
  // As put, of a row that has another value: that is in the files until it is shredded.
  void replace(Family family, BytesView row, BytesView value);
  void erase(Family family, BytesView row);
  void erase_prefix(const PrefixDelete& range);
  void put_event(PartitionId partition, LogPosition position, const TenantId& tenant,
                 TenantSequence sequence, BytesView record);
  void put_access(PartitionId partition, LogPosition position, BytesView envelope);
  void erase_access(PartitionId partition, LogPosition first, LogPosition last);  // inclusive
  // The range that is gone, as trim_access leaves it behind.
  void put_access_trim(PartitionId partition, const AccessTrim& trim);

 private:
  friend class RocksDbState;
  const RocksDbState& state_;
  std::unique_ptr<rocksdb::WriteBatch> batch_;
  bool deletes_keys_ = false;
};

class RocksDbState final : public StateReader {
 public:
  explicit RocksDbState(const RocksDbOptions& options);
  ~RocksDbState() override;
  RocksDbState(const RocksDbState&) = delete;
  RocksDbState& operator=(const RocksDbState&) = delete;

  // Opens or creates the database and reads the ends of the logs. Errors: unavailable (locked by
  // another process, I/O), corrupt (also a format that this version does not know).
  Result<void> open();

  Result<std::optional<Bytes>> get(Family family, BytesView key) const override;
  Result<std::vector<Row>> scan(Family family, BytesView prefix, BytesView after,
                                std::size_t limit) const override;
  [[nodiscard]] Result<std::vector<StoredRecord>> read_events(PartitionId partition,
                                                              LogPosition from,
                                                              std::size_t limit) const;
  [[nodiscard]] Result<std::vector<StoredRecord>> read_access(PartitionId partition,
                                                              LogPosition from,
                                                              std::size_t limit) const;
  [[nodiscard]] Result<std::vector<StoredRecord>> read_tenant(TenantId tenant, TenantSequence from,
                                                              std::size_t limit) const;
  // The row of the events that a tenant's index names (state_keys.h); empty: none.
  [[nodiscard]] Result<Bytes> indexed_position(const TenantId& tenant,
                                               TenantSequence sequence) const;
  // Rows of the index that name events of the partition. Reads all of it.
  [[nodiscard]] Result<std::uint64_t> count_indexed(PartitionId partition) const;
  [[nodiscard]] PartitionHeads heads(PartitionId partition) const;

  // unavailable: a write failed before, or the disk is almost full.
  [[nodiscard]] Result<void> check_writable();
  // `synced`: on the disk when it returns; otherwise a power failure may take the last batches.
  // unknown_outcome: it failed half-way; nothing is written any more before the next open().
  [[nodiscard]] Result<void> write(StateBatch&& batch, bool synced);

  // Numbers records after the present heads; commit() when what it linked was written.
  [[nodiscard]] ChainBuilder chain(const Claim& claim);
  void commit(ChainBuilder& chain);
  // The same for records that come in numbered and linked.
  [[nodiscard]] Result<TenantHead> tenant_head(const TenantId& tenant) const;
  void set_heads(const std::unordered_map<TenantId, TenantHead>& tenants, PartitionId partition,
                 const PartitionHeads& heads);

  [[nodiscard]] Result<AccessTrim> trim_access(PartitionId partition, Timestamp older_than,
                                               std::uint64_t bytes_max);
  [[nodiscard]] Result<AccessTrim> read_access_trim(PartitionId partition) const;
  [[nodiscard]] Result<void> shred_deleted_keys();
  [[nodiscard]] bool has_deleted_keys() const noexcept { return keys_deleted_ != keys_shredded_; }

  // Makes `folder`, which must not be there, on the same file system: a copy of this store as of
  // one batch, all but Family::keys. Its table files are hard links and cost no space until the
  // store compacts. No wrapped key is in it when this returns, and none is shredded meanwhile, so
  // that shredding keeps its promise. Any thread. store_copy.cpp. Errors: unavailable; `folder` may
  // be left behind.
  [[nodiscard]] Result<void> copy_without_keys(const std::string& folder);

 private:
  friend class StateBatch;
  [[nodiscard]] rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }
  Result<void> check_format();
  Result<void> load_partition_heads();
  Result<TenantHead> load_tenant_head(const TenantId& tenant) const;
  [[nodiscard]] Result<std::vector<StoredRecord>> read_positions(std::size_t family,
                                                                 PartitionId partition,
                                                                 LogPosition from,
                                                                 std::size_t limit) const;
  // What trimming may take; `last` 0: nothing.
  Result<AccessTrim> find_trimmable(PartitionId partition, Timestamp older_than,
                                    std::uint64_t bytes_max) const;

  RocksDbOptions options_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::unordered_map<TenantId, TenantHead> tenant_heads_;  // writer only; a bounded cache
  mutable std::shared_mutex heads_mutex_;                  // guards partition_heads_
  std::map<PartitionId, PartitionHeads> partition_heads_;
  std::mutex files_mutex_;  // shredding and copying exclude each other
  std::atomic<bool> failed_ = false;
  // Counts batches that deleted keys; one is assumed from before the start.
  std::atomic<std::uint64_t> keys_deleted_ = 1;
  std::atomic<std::uint64_t> keys_shredded_ = 0;
  std::time_t space_checked_ = 0;
  bool space_ok_ = true;
};

}  // namespace coffer::log
