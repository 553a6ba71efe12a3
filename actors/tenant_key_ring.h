// The tenant keys in use, by tenant: the active one, and while a rotation re-wraps also the one
// before it. One table for the process, so that everybody who wraps or opens a data key sees a
// rotation at the same moment, however old its own view of the tenant is. Rings are immutable; the
// table is thread-safe.
//
// A ring is set when the tenant's keys are opened and when a keyring event has become durable (on
// the log writer's thread, before anything that was appended later is answered).
#pragma once

#include <memory>
#include <optional>
#include <shared_mutex>
#include <unordered_map>

#include "events/keyring/keyring.h"
#include "hsm/key_service.h"

namespace coffer::actors {

struct TenantKeyRing {
  keyring::KeyringState state;
  hsm::WrappedTenantKey active;
  std::optional<hsm::WrappedTenantKey> retiring;

  // Null when no key of that term is in use.
  [[nodiscard]] const hsm::WrappedTenantKey* find(keyring::KeyTerm term) const noexcept;
};
using TenantKeyRingPtr = std::shared_ptr<const TenantKeyRing>;

// The ring after a keyring change. `rotated_in` is the new tenant key when the change is a
// rotation.
[[nodiscard]] TenantKeyRingPtr next_ring(const TenantKeyRing& ring, keyring::KeyringState after,
                                         const std::optional<hsm::WrappedTenantKey>& rotated_in);

class TenantKeyRings {
 public:
  // Null while the tenant's keys are not open.
  [[nodiscard]] TenantKeyRingPtr find(const TenantId& tenant) const;
  void set(const TenantId& tenant, TenantKeyRingPtr ring);
  void erase(const TenantId& tenant);
  void clear();

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<TenantId, TenantKeyRingPtr> rings_;
};

}  // namespace coffer::actors
