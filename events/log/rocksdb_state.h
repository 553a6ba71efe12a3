// The store of a node in one RocksDB database: reads, batches, retention and the shredding of
// deleted keys. The only code that touches RocksDB. Threads and errors: state_store.h.
#pragma once

#include <atomic>
#include <ctime>
#include <memory>
#include <mutex>
#include <vector>

#include "events/log/log_sizes.h"
#include "events/log/rocksdb_log.h"
#include "events/log/state_cursor.h"
#include "events/log/state_store.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
struct DBOptions;
class FileLock;
class WriteBatch;
}  // namespace rocksdb

namespace coffer::log {

class RocksDbState;

class RocksDbBatch final : public StateBatch {
 public:
  explicit RocksDbBatch(const RocksDbState& state);
  ~RocksDbBatch() override;

  void put(Family family, BytesView row, BytesView value) override;
  // As put, of a row that has another value: that is in the files until it is shredded.
  void replace(Family family, BytesView row, BytesView value);
  void erase(Family family, BytesView row) override;
  void erase_prefix(const PrefixDelete& range) override;
  void put_event(PartitionId partition, LogPosition position, const TenantId& tenant,
                 TenantSequence sequence, BytesView record) override;
  void put_access(PartitionId partition, LogPosition position, BytesView envelope) override;
  void erase_access(PartitionId partition, LogPosition first, LogPosition last) override;

 private:
  friend class RocksDbState;
  const RocksDbState& state_;
  std::unique_ptr<rocksdb::WriteBatch> batch_;
  bool deletes_keys_ = false;
};

class RocksDbState final : public StateStore {
 public:
  explicit RocksDbState(const RocksDbOptions& options);
  ~RocksDbState() override;

  // Opens or creates the database and reads the ends of the logs. Errors: unavailable (locked by
  // another process, I/O), corrupt (also a format that this version does not know).
  Result<void> open();
  // Opens an existing store for reading and leaves every file of it as it is, while no other
  // process has it: it holds the store's lock. write() fails. Errors: not_found (no store there),
  // unavailable (in use, I/O), corrupt.
  Result<void> open_read_only();

  // From the first row of a table on.
  [[nodiscard]] StateCursor cursor(Table table) const;
  Result<std::optional<Bytes>> get(Family family, BytesView key) const override;
  Result<std::vector<Row>> scan(Family family, BytesView prefix, BytesView after,
                                std::size_t limit) const override;
  [[nodiscard]] Result<std::vector<StoredRecord>> read_events(PartitionId partition,
                                                              LogPosition from,
                                                              std::size_t limit) const override;
  [[nodiscard]] Result<std::vector<StoredRecord>> read_access(PartitionId partition,
                                                              LogPosition from,
                                                              std::size_t limit) const override;
  [[nodiscard]] Result<std::vector<StoredRecord>> read_tenant(TenantId tenant, TenantSequence from,
                                                              std::size_t limit) const override;
  // The row of the events that a tenant's index names (state_keys.h); empty: none.
  [[nodiscard]] Result<Bytes> indexed_position(const TenantId& tenant,
                                               TenantSequence sequence) const;
  // Rows of the index that name events of the partition. Reads all of it.
  [[nodiscard]] Result<std::uint64_t> count_indexed(PartitionId partition) const;

  [[nodiscard]] Result<void> check_writable() override;
  [[nodiscard]] std::unique_ptr<StateBatch> new_batch() override;
  // `batch` is one of new_batch().
  [[nodiscard]] Result<void> write(std::unique_ptr<StateBatch> batch, bool synced) override;
  [[nodiscard]] Result<void> write(RocksDbBatch& batch, bool synced);

  // By the sizes of the table files: exact counting would read the whole log.
  [[nodiscard]] Result<AccessTrim> trim_access(PartitionId partition, Timestamp older_than,
                                               std::uint64_t bytes_max) override;
  [[nodiscard]] Result<void> shred_deleted_keys() override;
  [[nodiscard]] bool has_deleted_keys() const noexcept override {
    return keys_deleted_ != keys_shredded_;
  }

  // From the store's own counters: cheap. Any thread.
  [[nodiscard]] LogSizes sizes() const;

  // Makes `folder`, which must not be there, on the same file system: a copy of this store as of
  // one batch, all but Family::keys. Its table files are hard links and cost no space until the
  // store compacts. No wrapped key is in it when this returns, and none is shredded meanwhile, so
  // that shredding keeps its promise. Any thread. store_copy.cpp. Errors: unavailable; `folder` may
  // be left behind.
  [[nodiscard]] Result<void> copy_without_keys(const std::string& folder);

 private:
  friend class RocksDbBatch;
  [[nodiscard]] rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }
  Result<void> open_database(const rocksdb::DBOptions& db_options, bool read_only);
  Result<void> check_format(bool read_only);
  Result<void> load_partition_heads();
  Result<TenantHead> load_tenant_head(const TenantId& tenant) const override;
  [[nodiscard]] Result<std::vector<StoredRecord>> read_positions(std::size_t family,
                                                                 PartitionId partition,
                                                                 LogPosition from,
                                                                 std::size_t limit) const;
  // What trimming may take; `last` 0: nothing.
  Result<AccessTrim> find_trimmable(PartitionId partition, Timestamp older_than,
                                    std::uint64_t bytes_max) const;

  RocksDbOptions options_;
  rocksdb::FileLock* lock_ = nullptr;  // only of a store that is opened for reading
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::mutex files_mutex_;  // shredding and copying exclude each other
  std::atomic<bool> failed_ = false;
  // Counts batches that deleted keys; one is assumed from before the start.
  std::atomic<std::uint64_t> keys_deleted_ = 1;
  std::atomic<std::uint64_t> keys_shredded_ = 0;
  std::time_t space_checked_ = 0;
  bool space_ok_ = true;
};

}  // namespace coffer::log
