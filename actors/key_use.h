// How often each tenant key has wrapped, and which of its wraps have not reached the store yet.
// Thread-safe.
//
// Counting: AES-GCM with random nonces allows 2^32 wraps a key. A count that is written with every
// wrap would double the writes, so blocks of wraps are reserved: the store holds the end of the
// reserved block, and after a restart everything reserved counts as used. The count is therefore
// never too low and at most a block a start too high.
//
// Leases: who wraps holds one until the blob is in the store or will never be. A tenant key is not
// retired while one is out, or a blob under it could still arrive.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "events/base/ids.h"

namespace coffer::actors {

class KeyUse {
 public:
  using Lease = std::shared_ptr<const void>;

  // Blocks are a small part of `wraps_max`.
  explicit KeyUse(std::uint64_t wraps_max);

  struct Wraps {
    Lease lease;
    std::optional<std::uint64_t> reserve;  // set: to be stored as the key's count, by the caller
  };
  // Counts them. To be called on the HSM worker only, before the wraps.
  [[nodiscard]] Wraps begin(const KeyId& key, std::uint64_t count);
  // What was to be reserved could not be stored: the next wrap reserves again.
  void reservation_failed(const KeyId& key);
  // The stored count of a key that was opened; one that is counted higher already stays so.
  void restore(const KeyId& key, std::uint64_t reserved);
  void forget(const KeyId& key);

  [[nodiscard]] std::uint64_t wraps(const KeyId& key) const;
  [[nodiscard]] bool under_way(const KeyId& key) const;

 private:
  struct Key {
    std::uint64_t used = 0;
    std::uint64_t reserved = 0;
    std::weak_ptr<const void> leases;  // what all leases of the key share
  };

  const std::uint64_t block_;
  mutable std::mutex mutex_;
  std::unordered_map<KeyId, Key> keys_;
};

}  // namespace coffer::actors
