#include "events/keyring/keyring.h"

namespace coffer::keyring {

Result<std::vector<Event>> decide(const KeyringState& state, const Command& command,
                                  Timestamp now) {
  const auto& create = std::get<CreateKeyring>(command);
  if (state.exists) return fail(ErrorCode::already_exists, "the tenant has a keyring");
  if (create.root_epoch == 0 || create.tenant_key.id.is_zero() || create.log_key.id.is_zero() ||
      create.index_key.id.is_zero())
    return fail(ErrorCode::internal, "a keyring needs a root epoch and three keys");
  return std::vector<Event>{
      KeyringCreated{create.root_epoch, create.tenant_key, create.log_key, create.index_key, now}};
}

Result<KeyringState> evolve(KeyringState state, const Event& event) {
  const auto& created = std::get<KeyringCreated>(event);
  if (state.exists) return fail(ErrorCode::corrupt, "keyring created twice");
  return KeyringState{true, created.root_epoch, created.tenant_key, created.log_key,
                      created.index_key};
}

}  // namespace coffer::keyring
