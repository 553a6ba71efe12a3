#include "events/log/chain_builder.h"

#include "hsm/envelope_cipher.h"

namespace coffer::log {

Sha256 record_hash(BytesView stored) {
  return hsm::sha256(stored);
}

PartitionHeads& ChainBuilder::partition(PartitionId id) {
  const auto found = new_partitions_.find(id);
  if (found != new_partitions_.end()) return found->second;
  const auto old = partitions_.find(id);
  return new_partitions_.emplace(id, old == partitions_.end() ? PartitionHeads{} : old->second)
      .first->second;
}

Result<ChainBuilder::Linked> ChainBuilder::link_event(PartitionId partition_id, EventAppend event) {
  auto found = new_tenants_.find(event.tenant);
  if (found == new_tenants_.end()) {
    TenantHead head;
    if (const auto old = tenants_.find(event.tenant); old != tenants_.end()) {
      head = old->second;
    } else {
      COFFER_ASSIGN(head, load_(event.tenant));
    }
    found = new_tenants_.emplace(event.tenant, head).first;
  }
  auto& head = found->second;
  codec::Record record{.tenant = event.tenant,
                       .tenant_sequence = head.sequence + 1,
                       .epoch = claim_.epoch,
                       .nonce = claim_.nonce,
                       .time = event.time,
                       .previous_hash = {},
                       .log_key = event.log_key,
                       .heads = std::move(event.heads),
                       .payload = std::move(event.payload),
                       .command_id = event.command_id};
  if (head.sequence > 0) record.previous_hash.assign(head.hash.begin(), head.hash.end());
  auto& heads = partition(partition_id);
  Linked linked{heads.events + 1, record.tenant_sequence, codec::encode_record(record)};
  heads.events = linked.position;
  head = {linked.sequence, record_hash(linked.bytes)};
  return linked;
}

ChainBuilder::Linked ChainBuilder::link_access(PartitionId partition_id, AccessAppend access) {
  auto& heads = partition(partition_id);
  codec::AccessEnvelope envelope{.tenant = access.tenant,
                                 .time = access.time,
                                 .previous_hash = {},
                                 .log_key = access.log_key,
                                 .payload = std::move(access.payload)};
  if (heads.access > 0)
    envelope.previous_hash.assign(heads.access_hash.begin(), heads.access_hash.end());
  Linked linked{heads.access + 1, 0, codec::encode_access_envelope(envelope)};
  heads.access = linked.position;
  heads.access_hash = record_hash(linked.bytes);
  return linked;
}

void ChainBuilder::commit() {
  if (tenants_.size() + new_tenants_.size() > kCachedTenantHeadsMax) tenants_.clear();
  for (const auto& [id, head] : new_tenants_) tenants_[id] = head;
  for (const auto& [id, heads] : new_partitions_) partitions_[id] = heads;
}

}  // namespace coffer::log
