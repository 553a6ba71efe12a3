// The state families and both logs of one node, as the replicated and the embedded log write them:
// atomic batches of changes, reads, and the ends of the logs. It knows nothing of claims and does
// not number records: that is the work of the logs above it. RocksDbState (rocksdb_state.h) is the
// store of the product; the simulation has one in memory that forgets unsynced batches at a crash.
//
// A batch is atomic: after a crash all of it is there or nothing. Batches become durable in their
// order, so what a crash loses of unsynced ones is a tail.
//
// Threads: batches are made and written by one thread at a time; everything const, and
// shred_deleted_keys(), may be called from any thread.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "events/log/chain_builder.h"
#include "events/log/event_log.h"

namespace coffer::log {

// Changes that are written together, in the order in which they were put. Made by the store that
// it is for, and outlived by it.
class StateBatch {
 public:
  virtual ~StateBatch() = default;
  virtual void put(Family family, BytesView row, BytesView value) = 0;
  virtual void erase(Family family, BytesView row) = 0;
  virtual void erase_prefix(const PrefixDelete& range) = 0;
  virtual void put_event(PartitionId partition, LogPosition position, const TenantId& tenant,
                         TenantSequence sequence, BytesView record) = 0;
  virtual void put_access(PartitionId partition, LogPosition position, BytesView envelope) = 0;
  // Inclusive.
  virtual void erase_access(PartitionId partition, LogPosition first, LogPosition last) = 0;
  // The range that is gone, as trim_access leaves it behind.
  void put_access_trim(PartitionId partition, const AccessTrim& trim);
};

class StateStore : public StateReader {
 public:
  StateStore() = default;
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  [[nodiscard]] virtual Result<std::vector<StoredRecord>> read_events(PartitionId partition,
                                                                      LogPosition from,
                                                                      std::size_t limit) const = 0;
  [[nodiscard]] virtual Result<std::vector<StoredRecord>> read_access(PartitionId partition,
                                                                      LogPosition from,
                                                                      std::size_t limit) const = 0;
  [[nodiscard]] virtual Result<std::vector<StoredRecord>> read_tenant(TenantId tenant,
                                                                      TenantSequence from,
                                                                      std::size_t limit) const = 0;

  // unavailable: a write failed before, or there is no room left.
  [[nodiscard]] virtual Result<void> check_writable() = 0;
  [[nodiscard]] virtual std::unique_ptr<StateBatch> new_batch() = 0;
  // `synced`: durable when it returns; otherwise a power failure may take the last batches.
  // unknown_outcome: it failed half-way; nothing is written any more before the next opening.
  [[nodiscard]] virtual Result<void> write(std::unique_ptr<StateBatch> batch, bool synced) = 0;

  [[nodiscard]] virtual Result<AccessTrim> trim_access(PartitionId partition, Timestamp older_than,
                                                       std::uint64_t bytes_max) = 0;
  [[nodiscard]] Result<AccessTrim> read_access_trim(PartitionId partition) const;
  [[nodiscard]] virtual Result<void> shred_deleted_keys() = 0;
  [[nodiscard]] virtual bool has_deleted_keys() const noexcept = 0;

  [[nodiscard]] PartitionHeads heads(PartitionId partition) const;
  // Numbers records after the present heads; commit() when what it linked was written.
  [[nodiscard]] ChainBuilder chain(const Claim& claim);
  void commit(ChainBuilder& chain);
  // The same for records that come in numbered and linked.
  [[nodiscard]] Result<TenantHead> tenant_head(const TenantId& tenant) const;
  // Of what was written; any thread.
  [[nodiscard]] Result<TenantSequence> tenant_end(const TenantId& tenant) const;
  void set_heads(const std::unordered_map<TenantId, TenantHead>& tenants, PartitionId partition,
                 const PartitionHeads& heads);

 protected:
  // At the opening, for every partition that has records.
  void load_heads(PartitionId partition, const PartitionHeads& heads);

 private:
  virtual Result<TenantHead> load_tenant_head(const TenantId& tenant) const = 0;

  std::unordered_map<TenantId, TenantHead> tenant_heads_;  // writer only; a bounded cache
  mutable std::shared_mutex heads_mutex_;                  // guards partition_heads_
  std::map<PartitionId, PartitionHeads> partition_heads_;
};

}  // namespace coffer::log
