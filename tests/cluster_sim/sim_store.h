// A node's store in memory, over a disk that survives the process: laid out as RocksDbState lays it
// out. What was not synced is lost at a power failure from the end on, batch by batch.
#pragma once

#include <array>
#include <map>
#include <memory>

#include "events/log/state_store.h"
#include "tests/cluster_sim/sim_world.h"

namespace coffer::sim {

// The state families in enum order, then the logs.
inline constexpr std::size_t kEventTable = log::kFamilyCount;
inline constexpr std::size_t kTenantTable = log::kFamilyCount + 1;
inline constexpr std::size_t kAccessTable = log::kFamilyCount + 2;

class SimDisk {
 public:
  using Table = std::map<Bytes, Bytes>;

  [[nodiscard]] const Table& table(std::size_t number) const { return tables_[number]; }
  [[nodiscard]] const Table& table(log::Family family) const {
    return tables_[static_cast<std::size_t>(family)];
  }
  void begin_batch() { unsynced_.emplace_back(); }
  void put(std::size_t table, const Bytes& key, std::optional<Bytes> value);
  void erase_range(std::size_t table, const Bytes& first, const std::optional<Bytes>& end);
  void sync() { unsynced_.clear(); }
  [[nodiscard]] std::size_t unsynced() const noexcept { return unsynced_.size(); }
  // The last `batches` never happened.
  void lose(std::size_t batches);
  void wipe() { *this = SimDisk(); }

 private:
  struct Undo {
    std::size_t table = 0;
    Bytes key;
    std::optional<Bytes> value;
  };
  std::array<Table, log::kFamilyCount + 3> tables_;
  std::vector<std::vector<Undo>> unsynced_;
};

// Opens the disk for a process.
[[nodiscard]] std::shared_ptr<log::StateStore> open_sim_store(SimDisk& disk, Process& process);

}  // namespace coffer::sim
