#include "hsm/tenant_handle_cache.h"

#include <utility>

#include "events/base/check.h"

namespace coffer::hsm {

TenantHandleCache::TenantHandleCache(std::size_t entries_max) : entries_max_(entries_max) {
  COFFER_CHECK(entries_max > 0);
}

const LoadedTenantKey* TenantHandleCache::find(const KeyId& id) {
  const auto found = index_.find(id);
  if (found == index_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return &found->second->key;
}

std::optional<LoadedTenantKey> TenantHandleCache::insert(const KeyId& id, LoadedTenantKey key) {
  std::optional<LoadedTenantKey> evicted;
  if (index_.size() >= entries_max_) evicted = remove(order_.back().id);
  order_.push_front({id, std::move(key)});
  const bool is_new = index_.emplace(id, order_.begin()).second;
  COFFER_CHECK(is_new);
  return evicted;
}

std::optional<LoadedTenantKey> TenantHandleCache::remove(const KeyId& id) {
  const auto found = index_.find(id);
  if (found == index_.end()) return std::nullopt;
  const auto entry = found->second;
  auto key = std::move(entry->key);
  index_.erase(found);
  order_.erase(entry);
  return key;
}

void TenantHandleCache::clear() noexcept {
  index_.clear();
  order_.clear();
}

}  // namespace coffer::hsm
