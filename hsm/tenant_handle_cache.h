// Which tenant keys are unwrapped inside the HSM, by their object handle; bounded, least recently
// used goes first. Pure bookkeeping: the caller destroys the objects of the handles it gets back.
// Each entry has a canary, a known text encrypted under the key when it was loaded: whoever can
// open it still has a working key. Threads: one. Errors: none.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "events/base/bytes.h"
#include "events/base/ids.h"

namespace coffer::hsm {

struct LoadedTenantKey {
  unsigned long handle = 0;  // CK_OBJECT_HANDLE
  Bytes canary;
};

class TenantHandleCache {
 public:
  // Precondition: entries_max > 0.
  explicit TenantHandleCache(std::size_t entries_max);

  // Null when it is not loaded. Valid until the next change.
  [[nodiscard]] const LoadedTenantKey* find(const KeyId& id);
  // The key that had to leave for this one, if any. Precondition: `id` is not present.
  std::optional<LoadedTenantKey> insert(const KeyId& id, LoadedTenantKey key);
  std::optional<LoadedTenantKey> remove(const KeyId& id);
  void clear() noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }

 private:
  struct Entry {
    KeyId id;
    LoadedTenantKey key;
  };

  std::size_t entries_max_;
  std::list<Entry> order_;  // front = used last
  std::unordered_map<KeyId, std::list<Entry>::iterator> index_;
};

}  // namespace coffer::hsm
