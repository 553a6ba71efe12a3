#include "events/log/state_store.h"

#include <algorithm>
#include <mutex>

#include "events/log/meta_rows.h"
#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

Bytes access_trim_row(PartitionId partition) {
  auto name = meta_row(kAccessTrimRows);
  append_u32(name, partition);
  return name;
}

}  // namespace

void StateBatch::put_access_trim(PartitionId partition, const AccessTrim& trim) {
  Bytes row;
  append_u64(row, trim.first);
  append_u64(row, trim.last);
  append(row, trim.last_hash);
  put(Family::meta, access_trim_row(partition), row);
}

Result<AccessTrim> StateStore::read_access_trim(PartitionId partition) const {
  COFFER_ASSIGN(auto stored, get(Family::meta, access_trim_row(partition)));
  AccessTrim trim;
  if (!stored) return trim;
  if (stored->size() != 48) return fail(ErrorCode::corrupt, "access trim record has a wrong size");
  trim.first = read_u64(*stored, 0);
  trim.last = read_u64(*stored, 8);
  std::copy_n(stored->begin() + 16, 32, trim.last_hash.begin());
  return trim;
}

ChainBuilder StateStore::chain(const Claim& claim) {
  return {claim, tenant_heads_, partition_heads_,
          [this](const TenantId& tenant) { return load_tenant_head(tenant); }};
}

void StateStore::commit(ChainBuilder& chain) {
  const std::unique_lock lock(heads_mutex_);
  chain.commit();
}

PartitionHeads StateStore::heads(PartitionId partition) const {
  const std::shared_lock lock(heads_mutex_);
  const auto found = partition_heads_.find(partition);
  return found == partition_heads_.end() ? PartitionHeads{} : found->second;
}

Result<TenantHead> StateStore::tenant_head(const TenantId& tenant) const {
  const auto found = tenant_heads_.find(tenant);
  if (found != tenant_heads_.end()) return found->second;
  return load_tenant_head(tenant);
}

Result<TenantSequence> StateStore::tenant_end(const TenantId& tenant) const {
  COFFER_ASSIGN(const auto head, load_tenant_head(tenant));
  return head.sequence;
}

void StateStore::set_heads(const std::unordered_map<TenantId, TenantHead>& tenants,
                           PartitionId partition, const PartitionHeads& heads) {
  const std::unique_lock lock(heads_mutex_);
  if (tenant_heads_.size() + tenants.size() > kCachedTenantHeadsMax) tenant_heads_.clear();
  for (const auto& [id, head] : tenants) tenant_heads_[id] = head;
  partition_heads_[partition] = heads;
}

void StateStore::load_heads(PartitionId partition, const PartitionHeads& heads) {
  const std::unique_lock lock(heads_mutex_);
  partition_heads_[partition] = heads;
}

}  // namespace coffer::log
