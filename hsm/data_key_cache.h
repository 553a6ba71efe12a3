// Plain data keys in locked, non-dumpable memory, bounded and expiring, wiped on eviction.
// A KeyHandle keeps its slot alive while it is used, also when the entry is evicted meanwhile.
// Thread-safe (sharded locks, held for a map operation only).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/base/ports.h"
#include "events/base/result.h"

namespace coffer::hsm {

// 32 bytes in the locked arena. Wiped and returned to the arena when the last handle dies.
class LockedKey {
 public:
  virtual ~LockedKey() = default;
  [[nodiscard]] virtual BytesView bytes() const noexcept = 0;
};
using KeyHandle = std::shared_ptr<const LockedKey>;

// A fixed arena: mlock + MADV_DONTDUMP + MADV_WIPEONFORK. Thread-safe.
class LockedArena {
 public:
  // `slots` keys of 32 bytes. `warning` receives a text when the memory could not be locked
  // (RLIMIT_MEMLOCK) and stays empty otherwise.
  static std::shared_ptr<LockedArena> create(std::size_t slots, std::string& warning);
  virtual ~LockedArena() = default;
  // unavailable when every slot is in use.
  virtual Result<KeyHandle> store(BytesView key32) = 0;
};

class DataKeyCache {
 public:
  struct Limits {
    std::size_t entries_max = 10'000;
    std::chrono::seconds ttl{300};
  };
  DataKeyCache(std::shared_ptr<LockedArena> arena, const Clock& clock, Limits limits);
  ~DataKeyCache();

  // Null when absent or expired.
  [[nodiscard]] KeyHandle find(const KeyId& id);
  Result<KeyHandle> insert(const KeyId& id, BytesView key32);
  void erase(const KeyId& id);
  void clear();
  // Wipes what has expired although nobody asked for it since; call it from a timer.
  void drop_expired();
  [[nodiscard]] std::size_t size() const;
  struct Counts {
    std::uint64_t entries = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;     // also those that had expired
    std::uint64_t evictions = 0;  // made room for others
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct Shard;
  std::shared_ptr<LockedArena> arena_;
  const Clock& clock_;
  Limits limits_;
  std::unique_ptr<Shard[]> shards_;
};

}  // namespace coffer::hsm
