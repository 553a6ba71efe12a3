#include "events/log/migration/store_check.h"

#include <fmt/format.h>

#include "events/log/meta_rows.h"
#include "events/log/state_keys.h"
#include "hsm/envelope_cipher.h"

namespace coffer::log {
namespace {

bool is_previous(const Bytes& previous_hash, bool has_previous, const Sha256& hash) {
  if (!has_previous) return previous_hash.empty();
  return std::equal(previous_hash.begin(), previous_hash.end(), hash.begin(), hash.end());
}

// The tenant and number of a record that cannot be read itself, from the index; only on errors,
// since it reads all of it.
std::string name_of_record(const RocksDbState& store, LogPosition position) {
  const auto wanted = position_key(0, position);
  auto index = store.cursor(Table::tenant_index);
  for (; index.valid(); index.next()) {
    const auto value = index.value();
    if (!std::equal(value.begin(), value.end(), wanted.begin(), wanted.end())) continue;
    if (index.key().size() != 24) break;
    return fmt::format("record {} of the tenant {} (position {})", read_u64(index.key(), 16),
                       TenantId::from_bytes(index.key().first(16)).to_string(), position);
  }
  return fmt::format("the record at position {}", position);
}

Error damaged(const RocksDbState& store, LogPosition position, const Error& cause) {
  return fail(cause.code,
              fmt::format("{} is damaged: {}", name_of_record(store, position), cause.message));
}

Result<LogPosition> position_of(BytesView key) {
  if (key.size() != 12) return fail(ErrorCode::corrupt, "a record's position does not decode");
  if (const auto partition = read_u32(key, 0); partition != 0)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the store has records of partition {}; one partition can be moved",
                            partition));
  return read_u64(key, 4);
}

class EventWalk {
 public:
  EventWalk(const RocksDbState& store, StoreSummary& summary) : store_(store), summary_(summary) {}

  Result<void> run() {
    auto cursor = store_.cursor(Table::events);
    for (; cursor.valid(); cursor.next()) {
      COFFER_ASSIGN(const auto position, position_of(cursor.key()));
      if (position != summary_.events + 1)
        return fail(ErrorCode::corrupt,
                    fmt::format("{} is missing", name_of_record(store_, summary_.events + 1)));
      COFFER_TRY(add(position, cursor.value()));
      ++summary_.events;
    }
    if (const auto read = cursor.status(); !read)
      return damaged(store_, summary_.events + 1, read.error());
    summary_.tenants = heads_.size();
    return check_index();
  }

 private:
  Result<void> add(LogPosition position, BytesView bytes) {
    const auto record = codec::decode_record(bytes);
    if (!record) return damaged(store_, position, record.error());
    auto& head = heads_[record->tenant];
    if (record->tenant_sequence != head.sequence + 1 ||
        !is_previous(record->previous_hash, head.sequence > 0, head.hash))
      return fail(ErrorCode::corrupt,
                  fmt::format("record {} of the tenant {} does not follow record {}: one of the "
                              "two was changed",
                              record->tenant_sequence, record->tenant.to_string(), head.sequence));
    if (record->epoch < summary_.last_epoch)
      return fail(ErrorCode::corrupt,
                  fmt::format("record {} of the tenant {} is under an older claim than the one "
                              "before it",
                              record->tenant_sequence, record->tenant.to_string()));
    summary_.last_epoch = record->epoch;
    head = {record->tenant_sequence, record_hash(bytes)};
    return {};
  }

  // Only its size: its content follows from the records, and is compared where it was made anew.
  Result<void> check_index() {
    std::uint64_t entries = 0;
    auto index = store_.cursor(Table::tenant_index);
    for (; index.valid(); index.next()) ++entries;
    COFFER_TRY(index.status());
    if (entries == summary_.events) return {};
    return fail(ErrorCode::corrupt, fmt::format("the index names {} records, the log has {}",
                                                entries, summary_.events));
  }

  const RocksDbState& store_;
  StoreSummary& summary_;
  std::unordered_map<TenantId, TenantHead> heads_;
};

Result<void> walk_access(const RocksDbState& store, StoreSummary& summary) {
  COFFER_ASSIGN(const auto trim, store.read_access_trim(0));
  LogPosition last = trim.last;
  Sha256 hash = trim.last_hash;
  auto cursor = store.cursor(Table::access);
  for (; cursor.valid(); cursor.next()) {
    COFFER_ASSIGN(const auto position, position_of(cursor.key()));
    const auto envelope = codec::decode_access_envelope(cursor.value());
    if (!envelope)
      return fail(ErrorCode::corrupt, fmt::format("access record {} is damaged: {}", position,
                                                  envelope.error().message));
    if (position != last + 1 || !is_previous(envelope->previous_hash, last > 0, hash))
      return fail(ErrorCode::corrupt,
                  fmt::format("access record {} does not follow record {}", position, last));
    last = position;
    hash = record_hash(cursor.value());
    ++summary.access_records;
  }
  if (const auto read = cursor.status(); !read)
    return fail(read.error().code,
                fmt::format("access record {} is damaged: {}", last + 1, read.error().message));
  return {};
}

Result<void> walk_rows(const RocksDbState& store, StoreSummary& summary) {
  for (std::size_t family = 0; family < kFamilyCount; ++family) {
    const auto table = static_cast<Table>(family);
    auto cursor = store.cursor(table);
    for (; cursor.valid(); cursor.next()) {
      if (table == Table::meta && is_engine_row(cursor.key())) continue;
      Bytes row;
      append_u32(row, static_cast<std::uint32_t>(family));
      append_u32(row, static_cast<std::uint32_t>(cursor.key().size()));
      append(row, cursor.key());
      append(row, cursor.value());
      summary.rows_digest = hsm::sha256_chain(summary.rows_digest, row);
      ++summary.rows;
      if (table == Table::keys) ++summary.keys;
    }
    if (const auto read = cursor.status(); !read)
      return fail(read.error().code,
                  fmt::format("the table {}: {}", table_name(table), read.error().message));
  }
  return {};
}

}  // namespace

Result<StoreSummary> check_store(const RocksDbState& store) {
  StoreSummary summary;
  COFFER_TRY(EventWalk(store, summary).run());
  COFFER_TRY(walk_access(store, summary));
  COFFER_TRY(walk_rows(store, summary));
  return summary;
}

}  // namespace coffer::log
