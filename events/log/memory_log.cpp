#include "events/log/memory_log.h"

#include <mutex>

#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

constexpr std::string_view kAccessTrimRow = "access_trim/";

bool starts_with(BytesView bytes, BytesView prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}
Bytes to_bytes(BytesView view) {
  return Bytes(view.begin(), view.end());
}
Bytes access_trim_row(PartitionId partition) {
  auto row = meta_row(kAccessTrimRow);
  append_u32(row, partition);
  return row;
}

}  // namespace

MemoryLog::MemoryLog(const Nonce128& claim_nonce) : MemoryLog(claim_nonce, 1, {}) {}

MemoryLog::MemoryLog(const Nonce128& claim_nonce, std::uint64_t epoch, Tables tables)
    : tables_(std::move(tables)) {
  claim_ = {epoch, claim_nonce};
  load_heads();
}

void MemoryLog::load_heads() {
  for (const auto table : {kEvents, kAccess}) {
    for (const auto& [key, bytes] : tables_[table]) {
      auto& heads = partition_heads_[read_u32(key, 0)];
      if (table == kEvents) {
        heads.events = read_u64(key, 4);
      } else {
        heads.access = read_u64(key, 4);
        heads.access_hash = record_hash(bytes);
      }
    }
  }
}

Result<TenantHead> MemoryLog::load_tenant_head(const TenantId& tenant) const {
  const auto& index = tables_[kTenantIndex];
  auto it = index.upper_bound(tenant_sequence_key(tenant, ~0ull));
  if (it == index.begin() || !starts_with((--it)->first, tenant.view())) return TenantHead{};
  const auto record = tables_[kEvents].find(it->second);
  if (record == tables_[kEvents].end())
    return fail(ErrorCode::corrupt, "the tenant's last record is not in the log");
  return TenantHead{read_u64(it->first, 16), record_hash(record->second)};
}

Result<TenantSequence> MemoryLog::tenant_end(const TenantId& tenant) const {
  const std::shared_lock lock(mutex_);
  COFFER_ASSIGN(const auto head, load_tenant_head(tenant));
  return head.sequence;
}

// ---------------------------------------------------------------- failures
Result<void> MemoryLog::check_writable() const {
  if (refuses_)
    return fail(ErrorCode::unavailable, "the log stopped after a failed write; reopen it");
  return {};
}

void MemoryLog::apply_last(LastBatch last) {
  if (last == LastBatch::kept) apply(last_);
  last_.clear();
}

void MemoryLog::reopen(LastBatch last, const Nonce128& claim_nonce) {
  apply_last(last);
  const std::unique_lock lock(mutex_);
  tenant_heads_.clear();
  partition_heads_.clear();
  load_heads();
  claim_ = {claim_.epoch + 1, claim_nonce};
  refuses_ = false;
}

std::unique_ptr<MemoryLog> MemoryLog::crash(LastBatch last, const Nonce128& claim_nonce) {
  Tables recovered;
  {
    const std::shared_lock lock(mutex_);
    recovered = tables_;
  }
  refuses_ = true;
  std::unique_ptr<MemoryLog> fresh(
      new MemoryLog(claim_nonce, claim_.epoch + 1, std::move(recovered)));
  if (last == LastBatch::kept) {
    fresh->apply(last_);
    fresh->load_heads();
  }
  return fresh;
}

bool MemoryLog::flip(std::size_t table, BytesView key, std::size_t bit) {
  const std::unique_lock lock(mutex_);
  const auto found = tables_[table].find(to_bytes(key));
  if (found == tables_[table].end() || bit / 8 >= found->second.size()) return false;
  found->second[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
  return true;
}

bool MemoryLog::flip_event_bit(PartitionId partition, LogPosition position, std::size_t bit) {
  return flip(kEvents, position_key(partition, position), bit);
}
bool MemoryLog::flip_access_bit(PartitionId partition, LogPosition position, std::size_t bit) {
  return flip(kAccess, position_key(partition, position), bit);
}
bool MemoryLog::flip_row_bit(Family family, BytesView key, std::size_t bit) {
  return flip(static_cast<std::size_t>(family), key, bit);
}

// ---------------------------------------------------------------- append
Result<std::vector<Appended>> MemoryLog::append(std::span<Append> batch) {
  COFFER_TRY(check_writable());
  const auto fault = fault_hook_ ? fault_hook_(batch) : AppendFault::none;
  if (fault == AppendFault::unavailable)
    return fail(ErrorCode::unavailable, "no space left on the log's disk");
  // The hook may have crashed the log.
  COFFER_TRY(check_writable());
  ChainBuilder chain(claim_, tenant_heads_, partition_heads_,
                     [this](const TenantId& tenant) { return load_tenant_head(tenant); });
  Writes writes;
  Overlay overlay{{}, RowReplacement(batch)};
  std::vector<Appended> out;
  out.reserve(batch.size());
  for (const auto& element : batch) {
    COFFER_ASSIGN(auto appended,
                  add(element, fault == AppendFault::skip_access, chain, writes, overlay));
    out.push_back(appended);
  }
  if (fault == AppendFault::forget) return out;
  if (fault == AppendFault::unknown) {
    refuses_ = true;
    last_ = std::move(writes);
    return fail(ErrorCode::unknown_outcome, "log write failed");
  }
  apply(writes);
  const std::unique_lock lock(mutex_);
  chain.commit();
  return out;
}

Result<Appended> MemoryLog::add(const Append& element, bool skip_access, ChainBuilder& chain,
                                Writes& writes, Overlay& overlay) const {
  Appended appended;
  if (element.event) {
    COFFER_ASSIGN(auto linked, chain.link_event(element.partition, *element.event));
    const auto position = position_key(element.partition, linked.position);
    writes.push_back({kEvents, position, std::move(linked.bytes), false});
    writes.push_back({kTenantIndex, tenant_sequence_key(element.event->tenant, linked.sequence),
                      position, false});
    appended = {linked.sequence, linked.position};
  }
  for (const auto& access : element.access) {
    if (skip_access) break;
    auto linked = chain.link_access(element.partition, access);
    writes.push_back({kAccess, position_key(element.partition, linked.position),
                      std::move(linked.bytes), false});
  }
  COFFER_TRY(add_state(element, appended.tenant_sequence, writes, overlay));
  return appended;
}

Result<void> MemoryLog::add_state(const Append& element, TenantSequence sequence, Writes& writes,
                                  Overlay& overlay) const {
  for (const auto& change : element.changes) {
    if (change.family == Family::listing)
      overlay.listing.note(change.key, change.value.has_value());
    auto value = change.value;
    if (value && change.stamped) value = stamp(sequence, *value);
    writes.push_back(
        {static_cast<std::size_t>(change.family), change.key, std::move(value), false});
  }
  for (const auto& removal : element.listing_removals) {
    COFFER_ASSIGN(auto rows, overlay.listing.rows_to_delete(*this, removal));
    for (auto& row : rows)
      writes.push_back(
          {static_cast<std::size_t>(Family::listing), std::move(row), std::nullopt, false});
  }
  for (const auto& range : element.prefix_deletes)
    writes.push_back({static_cast<std::size_t>(range.family), range.prefix, std::nullopt, true});
  overlay.rows.note(element);
  for (const auto& replacement : element.replacements) {
    COFFER_ASSIGN(const bool holds, overlay.rows.holds(*this, replacement));
    if (holds)
      writes.push_back({static_cast<std::size_t>(replacement.family), replacement.key,
                        replacement.value, false});
  }
  return {};
}

void MemoryLog::apply(const Writes& writes) {
  const std::unique_lock lock(mutex_);
  for (const auto& write : writes) {
    auto& table = tables_[write.table];
    if (write.prefix) {
      auto it = table.lower_bound(write.key);
      while (it != table.end() && starts_with(it->first, write.key)) it = table.erase(it);
      continue;
    }
    if (stale_rows_)
      if (const auto old = table.find(write.key); old != table.end())
        before_[write.table][write.key] = old->second;
    if (write.value)
      table[write.key] = *write.value;
    else
      table.erase(write.key);
  }
}

// ---------------------------------------------------------------- reads
Result<std::optional<Bytes>> MemoryLog::get(Family family, BytesView key) const {
  const std::shared_lock lock(mutex_);
  const auto table = static_cast<std::size_t>(family);
  const auto row = to_bytes(key);
  if (stale_rows_)
    if (const auto old = before_[table].find(row); old != before_[table].end())
      return std::optional<Bytes>{old->second};
  const auto found = tables_[table].find(row);
  if (found == tables_[table].end()) return std::optional<Bytes>{};
  return std::optional<Bytes>{found->second};
}

Result<std::vector<Row>> MemoryLog::scan(Family family, BytesView prefix, BytesView after,
                                         std::size_t limit) const {
  const std::shared_lock lock(mutex_);
  const auto& table = tables_[static_cast<std::size_t>(family)];
  auto it =
      after.empty() ? table.lower_bound(to_bytes(prefix)) : table.upper_bound(to_bytes(after));
  std::vector<Row> rows;
  for (; it != table.end() && rows.size() < limit && starts_with(it->first, prefix); ++it)
    rows.push_back({it->first, it->second});
  return rows;
}

Result<std::vector<StoredRecord>> MemoryLog::read_positions(std::size_t table,
                                                            PartitionId partition, LogPosition from,
                                                            std::size_t limit) const {
  const std::shared_lock lock(mutex_);
  std::vector<StoredRecord> records;
  for (auto it = tables_[table].lower_bound(position_key(partition, from));
       it != tables_[table].end() && records.size() < limit; ++it) {
    if (read_u32(it->first, 0) != partition) break;
    records.push_back({read_u64(it->first, 4), it->second});
  }
  return records;
}

Result<std::vector<StoredRecord>> MemoryLog::read_events(PartitionId partition, LogPosition from,
                                                         std::size_t limit) const {
  return read_positions(kEvents, partition, from, limit);
}

Result<std::vector<StoredRecord>> MemoryLog::read_access(PartitionId partition, LogPosition from,
                                                         std::size_t limit) const {
  return read_positions(kAccess, partition, from, limit);
}

Result<std::vector<StoredRecord>> MemoryLog::read_tenant(TenantId tenant, TenantSequence from,
                                                         std::size_t limit) const {
  const std::shared_lock lock(mutex_);
  std::vector<StoredRecord> records;
  const auto& index = tables_[kTenantIndex];
  for (auto it = index.lower_bound(tenant_sequence_key(tenant, from));
       it != index.end() && records.size() < limit && starts_with(it->first, tenant.view()); ++it) {
    const auto record = tables_[kEvents].find(it->second);
    if (record == tables_[kEvents].end())
      return fail(ErrorCode::corrupt, "an indexed record is not in the log");
    records.push_back({read_u64(it->second, 4), record->second});
  }
  return records;
}

LogPosition MemoryLog::events_end(PartitionId partition) const {
  const std::shared_lock lock(mutex_);
  const auto found = partition_heads_.find(partition);
  return found == partition_heads_.end() ? 0 : found->second.events;
}

LogPosition MemoryLog::access_end(PartitionId partition) const {
  const std::shared_lock lock(mutex_);
  const auto found = partition_heads_.find(partition);
  return found == partition_heads_.end() ? 0 : found->second.access;
}

// ---------------------------------------------------------------- retention
Result<AccessTrim> MemoryLog::trim_access(PartitionId partition, Timestamp older_than,
                                          std::uint64_t bytes_max) {
  COFFER_TRY(check_writable());
  COFFER_ASSIGN(const auto records, read_access(partition, 0, ~std::size_t{0}));
  std::uint64_t bytes = 0;
  for (const auto& record : records) bytes += record.bytes.size() + 12;
  AccessTrim trim;
  Writes writes;
  for (const auto& record : records) {
    if (record.position >= access_end(partition)) break;  // the chain's head always stays
    COFFER_ASSIGN(const auto envelope, codec::decode_access_envelope(record.bytes));
    if (envelope.time >= older_than && bytes <= bytes_max) break;
    bytes -= record.bytes.size() + 12;
    if (trim.first == 0) trim.first = record.position;
    trim.last = record.position;
    trim.last_hash = record_hash(record.bytes);
    writes.push_back({kAccess, position_key(partition, record.position), std::nullopt, false});
  }
  if (trim.last == 0) return trim;
  COFFER_ASSIGN(const auto before, read_access_trim(partition));
  Bytes row;
  append_u64(row, before.first != 0 ? before.first : trim.first);
  append_u64(row, trim.last);
  coffer::append(row, trim.last_hash);
  writes.push_back(
      {static_cast<std::size_t>(Family::meta), access_trim_row(partition), std::move(row), false});
  apply(writes);
  return trim;
}

Result<AccessTrim> MemoryLog::read_access_trim(PartitionId partition) const {
  COFFER_ASSIGN(const auto stored, get(Family::meta, access_trim_row(partition)));
  AccessTrim trim;
  if (!stored) return trim;
  if (stored->size() != 48) return fail(ErrorCode::corrupt, "access trim record has a wrong size");
  trim.first = read_u64(*stored, 0);
  trim.last = read_u64(*stored, 8);
  std::copy_n(stored->begin() + 16, 32, trim.last_hash.begin());
  return trim;
}

}  // namespace coffer::log
