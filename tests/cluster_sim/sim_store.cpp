#include "tests/cluster_sim/sim_store.h"

#include <algorithm>

#include "events/log/state_keys.h"

namespace coffer::sim {
namespace {

using log::Family;

constexpr std::size_t kUnsyncedMax = 200;

bool starts_with(const Bytes& bytes, BytesView prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

Bytes copy(BytesView bytes) {
  return Bytes(bytes.begin(), bytes.end());
}

class SimBatch final : public log::StateBatch {
 public:
  struct Change {
    std::size_t table = 0;
    Bytes key;
    std::optional<Bytes> value;  // absent: delete
    std::optional<Bytes> end;    // delete everything from key to here
    bool prefix = false;         // delete everything below key
  };
  std::vector<Change> changes;

  void put(Family family, BytesView row, BytesView value) override {
    changes.push_back({static_cast<std::size_t>(family), copy(row), copy(value), {}, false});
  }
  void erase(Family family, BytesView row) override {
    changes.push_back({static_cast<std::size_t>(family), copy(row), {}, {}, false});
  }
  void erase_prefix(const log::PrefixDelete& range) override {
    changes.push_back({static_cast<std::size_t>(range.family), range.prefix, {}, {}, true});
  }
  void put_event(PartitionId partition, LogPosition position, const TenantId& tenant,
                 TenantSequence sequence, BytesView record) override {
    const auto key = log::position_key(partition, position);
    changes.push_back({kEventTable, key, copy(record), {}, false});
    changes.push_back({kTenantTable, log::tenant_sequence_key(tenant, sequence), key, {}, false});
  }
  void put_access(PartitionId partition, LogPosition position, BytesView envelope) override {
    changes.push_back(
        {kAccessTable, log::position_key(partition, position), copy(envelope), {}, false});
  }
  void erase_access(PartitionId partition, LogPosition first, LogPosition last) override {
    changes.push_back({kAccessTable,
                       log::position_key(partition, first),
                       {},
                       log::position_key(partition, last + 1),
                       false});
  }
};

class SimStore final : public log::StateStore {
 public:
  SimStore(SimDisk& disk, Process& process) : disk_(disk), process_(process) {
    log::PartitionHeads heads;
    if (const auto& events = disk_.table(kEventTable); !events.empty())
      heads.events = read_u64(events.rbegin()->first, 4);
    if (const auto& access = disk_.table(kAccessTable); !access.empty()) {
      heads.access = read_u64(access.rbegin()->first, 4);
      heads.access_hash = log::record_hash(access.rbegin()->second);
    }
    load_heads(0, heads);
  }

  Result<std::optional<Bytes>> get(Family family, BytesView key) const override {
    process_.point();
    const auto& table = disk_.table(family);
    const auto found = table.find(copy(key));
    if (found == table.end()) return std::optional<Bytes>{};
    return std::optional<Bytes>{found->second};
  }

  Result<std::vector<log::Row>> scan(Family family, BytesView prefix, BytesView after,
                                     std::size_t limit) const override {
    const auto& table = disk_.table(family);
    std::vector<log::Row> rows;
    auto it = after.empty() ? table.lower_bound(copy(prefix)) : table.upper_bound(copy(after));
    for (; it != table.end() && rows.size() < limit && starts_with(it->first, prefix); ++it)
      rows.push_back({it->first, it->second});
    return rows;
  }

  Result<std::vector<log::StoredRecord>> read_events(PartitionId partition, LogPosition from,
                                                     std::size_t limit) const override {
    return read_positions(kEventTable, partition, from, limit);
  }
  Result<std::vector<log::StoredRecord>> read_access(PartitionId partition, LogPosition from,
                                                     std::size_t limit) const override {
    return read_positions(kAccessTable, partition, from, limit);
  }
  Result<std::vector<log::StoredRecord>> read_tenant(TenantId tenant, TenantSequence from,
                                                     std::size_t limit) const override {
    const auto& table = disk_.table(kTenantTable);
    std::vector<log::StoredRecord> records;
    auto it = table.lower_bound(log::tenant_sequence_key(tenant, from));
    for (; it != table.end() && records.size() < limit && starts_with(it->first, tenant.view());
         ++it)
      records.push_back({read_u64(it->second, 4), disk_.table(kEventTable).at(it->second)});
    return records;
  }

  Result<void> check_writable() override { return {}; }
  std::unique_ptr<log::StateBatch> new_batch() override { return std::make_unique<SimBatch>(); }
  Result<void> write(std::unique_ptr<log::StateBatch> batch, bool synced) override {
    process_.point();
    disk_.begin_batch();
    for (auto& change : static_cast<SimBatch&>(*batch).changes) apply(change);
    if (synced || disk_.unsynced() > kUnsyncedMax) disk_.sync();
    process_.point();
    return {};
  }
  Result<log::AccessTrim> trim_access(PartitionId, Timestamp, std::uint64_t) override {
    return log::AccessTrim{};
  }
  // Deleted rows leave no copy in memory tables.
  Result<void> shred_deleted_keys() override { return {}; }
  bool has_deleted_keys() const noexcept override { return false; }

 private:
  void apply(SimBatch::Change& change) {
    if (change.prefix) {
      auto end = change.key;
      while (!end.empty() && end.back() == 0xFF) end.pop_back();
      if (!end.empty()) ++end.back();
      disk_.erase_range(change.table, change.key,
                        end.empty() ? std::nullopt : std::optional{std::move(end)});
    } else if (change.end) {
      disk_.erase_range(change.table, change.key, change.end);
    } else {
      disk_.put(change.table, change.key, std::move(change.value));
    }
  }

  [[nodiscard]] std::vector<log::StoredRecord> read_positions(std::size_t number,
                                                              PartitionId partition,
                                                              LogPosition from,
                                                              std::size_t limit) const {
    const auto& table = disk_.table(number);
    std::vector<log::StoredRecord> records;
    for (auto it = table.lower_bound(log::position_key(partition, from));
         it != table.end() && records.size() < limit && read_u32(it->first, 0) == partition; ++it)
      records.push_back({read_u64(it->first, 4), it->second});
    return records;
  }

  Result<log::TenantHead> load_tenant_head(const TenantId& tenant) const override {
    const auto& table = disk_.table(kTenantTable);
    auto it = table.upper_bound(log::tenant_sequence_key(tenant, ~0ull));
    if (it == table.begin() || !starts_with((--it)->first, tenant.view())) return log::TenantHead{};
    return log::TenantHead{read_u64(it->first, 16),
                           log::record_hash(disk_.table(kEventTable).at(it->second))};
  }

  SimDisk& disk_;
  Process& process_;
};

}  // namespace

void SimDisk::put(std::size_t table, const Bytes& key, std::optional<Bytes> value) {
  auto& rows = tables_[table];
  const auto found = rows.find(key);
  unsynced_.back().push_back(
      {table, key, found == rows.end() ? std::nullopt : std::optional{found->second}});
  if (value)
    rows[key] = std::move(*value);
  else if (found != rows.end())
    rows.erase(found);
}

void SimDisk::erase_range(std::size_t table, const Bytes& first, const std::optional<Bytes>& end) {
  std::vector<Bytes> keys;
  const auto& rows = tables_[table];
  for (auto it = rows.lower_bound(first); it != rows.end() && (!end || it->first < *end); ++it)
    keys.push_back(it->first);
  for (const auto& key : keys) put(table, key, std::nullopt);
}

void SimDisk::lose(std::size_t batches) {
  for (; batches > 0 && !unsynced_.empty(); --batches) {
    const auto undo = std::move(unsynced_.back());
    unsynced_.pop_back();
    for (auto it = undo.rbegin(); it != undo.rend(); ++it) {
      if (it->value)
        tables_[it->table][it->key] = *it->value;
      else
        tables_[it->table].erase(it->key);
    }
  }
}

std::shared_ptr<log::StateStore> open_sim_store(SimDisk& disk, Process& process) {
  return std::make_shared<SimStore>(disk, process);
}

}  // namespace coffer::sim
