#include "actors/tenant_key_ring.h"

#include <mutex>

namespace coffer::actors {

const hsm::WrappedTenantKey* TenantKeyRing::find(keyring::KeyTerm term) const noexcept {
  if (term == state.term) return &active;
  if (retiring && state.retiring && state.retiring->term == term) return &*retiring;
  return nullptr;
}

TenantKeyRingPtr next_ring(const TenantKeyRing& ring, keyring::KeyringState after,
                           const std::optional<hsm::WrappedTenantKey>& rotated_in) {
  auto next = std::make_shared<TenantKeyRing>();
  next->active = rotated_in ? *rotated_in : ring.active;
  if (after.retiring) next->retiring = rotated_in ? ring.active : ring.retiring;
  next->state = std::move(after);
  return next;
}

TenantKeyRingPtr TenantKeyRings::find(const TenantId& tenant) const {
  const std::shared_lock lock(mutex_);
  const auto found = rings_.find(tenant);
  return found == rings_.end() ? nullptr : found->second;
}

void TenantKeyRings::set(const TenantId& tenant, TenantKeyRingPtr ring) {
  const std::unique_lock lock(mutex_);
  rings_[tenant] = std::move(ring);
}

void TenantKeyRings::erase(const TenantId& tenant) {
  const std::unique_lock lock(mutex_);
  rings_.erase(tenant);
}

void TenantKeyRings::clear() {
  const std::unique_lock lock(mutex_);
  rings_.clear();
}

}  // namespace coffer::actors
