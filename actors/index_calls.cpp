// VaultRuntime: the index of the state that answers carry, and requests that ask for one.
#include "actors/state_index.h"
#include "actors/vault_runtime.h"

namespace coffer::actors {

std::string VaultRuntime::state_index(const api::Admission& admission) const {
  const auto root_keys = services_->root_keys();
  if (!root_keys || !admission.tenant) return {};
  const auto head = services_->tenant_heads.find(admission.tenant->id, services_->log);
  if (!head) return {};  // the answer is right without
  return encode_state_index(*root_keys, {admission.tenant->id, *head});
}

// Whoever serves is the owner of the log and has all of it: an index that it has not reached is of
// a life of the vault that a backup has undone. Of another tenant too: a client that changes its
// namespace brings along what it has seen.
Result<bool> VaultRuntime::holds_state(std::string_view index) const {
  const auto root_keys = services_->root_keys();
  if (!root_keys) return fail(ErrorCode::sealed, {});
  COFFER_ASSIGN(const auto wanted, decode_state_index(*root_keys, index));
  COFFER_ASSIGN(const auto head, services_->tenant_heads.find(wanted.tenant, services_->log));
  return wanted.sequence <= head;
}

}  // namespace coffer::actors
