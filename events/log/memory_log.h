// The in-memory twin of the RocksDB log, for tests and simulation: same numbering, same chain (the
// ChainBuilder), same batches, no disk. What a disk does wrong happens on demand:
//   AppendFault::unavailable   refused before the write: nothing is applied, the next may succeed
//   AppendFault::unknown       the write failed half-way: the caller hears unknown_outcome, the log
//                              refuses every append until reopen(), where the caller of reopen()
//                              says whether the batch turns out to be there
//   crash()                    the process dies: a fresh log as recovery would see it. Everything
//                              acknowledged is there; the last unacknowledged batch by choice
//   flip_*_bit                 damage in a stored record or row
// And what no correct log does, so that a checker can prove that it would notice:
//   AppendFault::forget        acknowledged, not applied (a lost fsync)
//   AppendFault::skip_access   acknowledged, its access records not written
//   serve_stale_rows()         get() returns each row as it was before its last change
// Reads never fail and see only what was applied. Thread-safe as EventLog asks: one appending
// thread, any number of readers. The fault hook runs on the appending thread.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <shared_mutex>
#include <unordered_map>

#include "events/log/chain_builder.h"
#include "events/log/event_log.h"
#include "events/log/listing_removal.h"
#include "events/log/row_replacement.h"

namespace coffer::log {

enum class AppendFault : std::uint8_t { none, unavailable, unknown, forget, skip_access };
// Whether the batch that was under way at a failure turns out to be on the disk.
enum class LastBatch : std::uint8_t { lost, kept };

class MemoryLog final : public EventLog {
 public:
  using FaultHook = std::function<AppendFault(std::span<const Append>)>;

  explicit MemoryLog(const Nonce128& claim_nonce);

  void set_fault_hook(FaultHook hook) { fault_hook_ = std::move(hook); }
  // From here on; rows that never changed again are served as they are.
  void serve_stale_rows() { stale_rows_ = true; }
  // Recovery in place after `unknown`: takes the next claim epoch.
  void reopen(LastBatch last, const Nonce128& claim_nonce);
  // A fresh log of what this one holds durably, under the next claim epoch. This one is dead from
  // then on: it refuses every append, as a process that is gone writes nothing.
  [[nodiscard]] std::unique_ptr<MemoryLog> crash(LastBatch last, const Nonce128& claim_nonce);
  // False when there is no such record or row, or it has no such bit.
  bool flip_event_bit(PartitionId partition, LogPosition position, std::size_t bit);
  bool flip_access_bit(PartitionId partition, LogPosition position, std::size_t bit);
  bool flip_row_bit(Family family, BytesView key, std::size_t bit);
  [[nodiscard]] std::uint64_t epoch() const noexcept { return claim_.epoch; }

  Result<std::optional<Bytes>> get(Family family, BytesView key) const override;
  Result<std::vector<Row>> scan(Family family, BytesView prefix, BytesView after,
                                std::size_t limit) const override;
  Result<std::vector<Appended>> append(std::span<Append> batch) override;
  Result<std::vector<StoredRecord>> read_events(PartitionId partition, LogPosition from,
                                                std::size_t limit) const override;
  Result<std::vector<StoredRecord>> read_tenant(TenantId tenant, TenantSequence from,
                                                std::size_t limit) const override;
  Result<std::vector<StoredRecord>> read_access(PartitionId partition, LogPosition from,
                                                std::size_t limit) const override;
  [[nodiscard]] Result<TenantSequence> tenant_end(const TenantId& tenant) const override;
  [[nodiscard]] LogPosition events_end(PartitionId partition) const override;
  [[nodiscard]] LogPosition access_end(PartitionId partition) const override;
  Result<AccessTrim> trim_access(PartitionId partition, Timestamp older_than,
                                 std::uint64_t bytes_max) override;
  Result<AccessTrim> read_access_trim(PartitionId partition) const override;
  // Deleted rows leave no copy in memory tables.
  Result<void> shred_deleted_keys() override { return {}; }
  bool has_deleted_keys() const noexcept override { return false; }  // no files

 private:
  // The state families in enum order, then the logs: laid out as the RocksDB log lays them out.
  static constexpr std::size_t kEvents = kFamilyCount;
  static constexpr std::size_t kTenantIndex = kFamilyCount + 1;
  static constexpr std::size_t kAccess = kFamilyCount + 2;
  using Table = std::map<Bytes, Bytes>;
  using Tables = std::array<Table, kFamilyCount + 3>;
  struct Write {
    std::size_t table = 0;
    Bytes key;
    std::optional<Bytes> value;  // absent: delete
    bool prefix = false;         // delete every row below the key
  };
  // Writes take effect in their order.
  using Writes = std::vector<Write>;

  MemoryLog(const Nonce128& claim_nonce, std::uint64_t epoch, Tables tables);
  void load_heads();
  [[nodiscard]] Result<TenantHead> load_tenant_head(const TenantId& tenant) const;
  struct Overlay {
    ListingOverlay listing;
    RowReplacement rows;
  };
  Result<Appended> add(const Append& element, bool skip_access, ChainBuilder& chain, Writes& writes,
                       Overlay& overlay) const;
  Result<void> add_state(const Append& element, TenantSequence sequence, Writes& writes,
                         Overlay& overlay) const;
  Result<void> check_writable() const;
  void apply(const Writes& writes);
  void apply_last(LastBatch last);
  [[nodiscard]] Result<std::vector<StoredRecord>> read_positions(std::size_t table,
                                                                 PartitionId partition,
                                                                 LogPosition from,
                                                                 std::size_t limit) const;
  bool flip(std::size_t table, BytesView key, std::size_t bit);

  FaultHook fault_hook_;
  bool stale_rows_ = false;
  bool refuses_ = false;  // after `unknown` or crash()
  Claim claim_;
  std::unordered_map<TenantId, TenantHead> tenant_heads_;
  std::map<PartitionId, PartitionHeads> partition_heads_;
  Writes last_;                      // of the append that ended in `unknown`
  mutable std::shared_mutex mutex_;  // guards tables_, before_ and partition_heads_
  Tables tables_;
  Tables before_;  // rows as they were before their last change, while stale rows are served
};

}  // namespace coffer::log
