#include "actors/keyring_change.h"

#include "actors/append_builder.h"
#include "events/log/state_keys.h"

namespace coffer::actors {

Result<DecidedKeyring> decide_keyring(const TenantKeyRingPtr& ring, const KeyringChange& change,
                                      Timestamp now) {
  if (!ring) return fail(ErrorCode::unavailable, "the namespace's keys are not open");
  DecidedKeyring out;
  COFFER_ASSIGN(out.events, keyring::decide(ring->state, change.command, now));
  auto state = ring->state;
  for (const auto& event : out.events) {
    COFFER_ASSIGN(state, keyring::evolve(std::move(state), event));
  }
  out.after = next_ring(*ring, std::move(state), change.rotated_in);
  return out;
}

void add_keyring_rows(log::Append& append, const DirectoryEntry& tenant,
                      const KeyringChange& change, const keyring::KeyringState& after) {
  append.changes.insert(append.changes.end(), change.rows.begin(), change.rows.end());
  append.replacements = change.replacements;
  auto row = tenant.row;
  row.keyring = after;
  append.changes.push_back(
      plain_row(log::Family::tenants, log::tenant_row(tenant.id), codec::encode_tenant_row(row)));
}

}  // namespace coffer::actors
