// Numbers and links the records of a batch: partition positions, tenant sequences, previous-record
// hashes. Works on a copy of the heads, so a batch that fails to become durable leaves no trace.
// Used by every EventLog implementation, so the chain rule exists once. Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <unordered_map>
#include <vector>

#include "events/log/event_log.h"

namespace coffer::log {

// Cached heads of tenants are bounded; a dropped one is read back from the log.
inline constexpr std::size_t kCachedTenantHeadsMax = 100'000;

struct TenantHead {
  TenantSequence sequence = 0;
  Sha256 hash{};
};
struct PartitionHeads {
  LogPosition events = 0;
  LogPosition access = 0;
  Sha256 access_hash{};  // meaningful when access > 0
};

// The claim under which records are written (design: epoch and nonce of the log's owner).
struct Claim {
  std::uint64_t epoch = 1;
  Nonce128 nonce;
};

class ChainBuilder {
 public:
  using LoadTenantHead = std::function<Result<TenantHead>(const TenantId&)>;

  ChainBuilder(const Claim& claim, std::unordered_map<TenantId, TenantHead>& tenants,
               std::map<PartitionId, PartitionHeads>& partitions, LoadTenantHead load)
      : claim_(claim), tenants_(tenants), partitions_(partitions), load_(std::move(load)) {}

  struct Linked {
    LogPosition position = 0;
    TenantSequence sequence = 0;  // events only
    Bytes bytes;
  };
  [[nodiscard]] Result<Linked> link_event(PartitionId partition, EventAppend event);
  [[nodiscard]] Linked link_access(PartitionId partition, AccessAppend access);
  // The batch is durable: the new heads become the heads.
  void commit();

 private:
  PartitionHeads& partition(PartitionId id);

  const Claim& claim_;
  std::unordered_map<TenantId, TenantHead>& tenants_;
  std::map<PartitionId, PartitionHeads>& partitions_;
  LoadTenantHead load_;
  std::unordered_map<TenantId, TenantHead> new_tenants_;
  std::map<PartitionId, PartitionHeads> new_partitions_;
};

}  // namespace coffer::log
