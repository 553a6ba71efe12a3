// The embedded log: one RocksDB database holds both logs, snapshots, key store and listing, and one
// synced batch holds everything of a group commit (rocksdb_state.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "events/log/chain_builder.h"
#include "events/log/event_log.h"

namespace coffer::log {

struct RocksDbOptions {
  std::string directory;
  std::uint64_t block_cache_bytes = 256ull << 20;
  std::uint64_t write_buffer_bytes = 32ull << 20;
  std::uint64_t free_bytes_min = 64ull << 20;  // below it appends are refused before they begin
  bool sync_every_append = true;               // false only to measure; never acknowledged durable
};

// Opens or creates the database and takes the next claim epoch. Errors: unavailable (locked by
// another process, I/O), corrupt.
Result<std::unique_ptr<EventLog>> open_rocksdb_log(const RocksDbOptions& options,
                                                   const Nonce128& claim_nonce);

}  // namespace coffer::log
