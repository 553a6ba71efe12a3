// A keyring command decided against the tenant's ring, and what the append of it holds besides the
// events. Pure; thread-safe.
#pragma once

#include "actors/services.h"

namespace coffer::actors {

struct DecidedKeyring {
  std::vector<keyring::Event> events;
  TenantKeyRingPtr after;
};
// unavailable: the tenant's keys are not open.
[[nodiscard]] Result<DecidedKeyring> decide_keyring(const TenantKeyRingPtr& ring,
                                                    const KeyringChange& change, Timestamp now);

// The change's rows, and the tenant's row with the keyring after it.
void add_keyring_rows(log::Append& append, const DirectoryEntry& tenant,
                      const KeyringChange& change, const keyring::KeyringState& after);

}  // namespace coffer::actors
