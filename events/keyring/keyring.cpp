#include "events/keyring/keyring.h"

namespace coffer::keyring {
namespace {

using Decision = Result<std::vector<Event>>;

bool is_retiring(const KeyringState& state, KeyTerm term) {
  return state.retiring && state.retiring->term == term;
}

struct Decider {
  const KeyringState& state;
  Timestamp now;

  Decision operator()(const CreateKeyring& create) const {
    if (state.exists) return fail(ErrorCode::already_exists, "the tenant has a keyring");
    if (create.root_epoch == 0 || create.tenant_key.id.is_zero() || create.log_key.id.is_zero() ||
        create.index_key.id.is_zero())
      return fail(ErrorCode::internal, "a keyring needs a root epoch and three keys");
    return one(KeyringCreated{create.root_epoch, create.tenant_key, create.log_key,
                              create.index_key, now});
  }

  Decision operator()(const RotateTenantKey& rotate) const {
    COFFER_TRY(check_rotation(state));
    if (rotate.root_epoch == 0 || rotate.tenant_key.id.is_zero() ||
        rotate.tenant_key.id == state.tenant_key.id)
      return fail(ErrorCode::internal, "a rotation needs a root epoch and a new key");
    if (rotate.log_key.id != state.log_key.id || rotate.index_key.id != state.index_key.id)
      return fail(ErrorCode::internal, "a rotation keeps the log key and the index key");
    return one(TenantKeyRotated{state.term + 1, rotate.root_epoch, rotate.tenant_key,
                                rotate.log_key, rotate.index_key, rotate.automatic, now});
  }

  Decision operator()(const NoteRewrapped& note) const {
    if (!is_retiring(state, note.term))
      return fail(ErrorCode::internal, "nothing is re-wrapped from this tenant key");
    if (note.keys == 0) return std::vector<Event>{};
    return one(TenantKeyRewrapped{note.term, note.keys, note.set_hash, now});
  }

  Decision operator()(const RetireTenantKey& retire) const {
    if (!is_retiring(state, retire.term))
      return fail(ErrorCode::internal, "this tenant key is not on its way out");
    return one(
        TenantKeyRetired{retire.term, state.retiring->key.id, state.retiring->rewrapped, now});
  }

  static std::vector<Event> one(Event event) { return {std::move(event)}; }
};

struct Evolver {
  KeyringState state;

  Result<KeyringState> operator()(const KeyringCreated& created) {
    if (state.exists) return fail(ErrorCode::corrupt, "keyring created twice");
    return KeyringState{.exists = true,
                        .root_epoch = created.root_epoch,
                        .tenant_key = created.tenant_key,
                        .log_key = created.log_key,
                        .index_key = created.index_key,
                        .installed_time = created.created_time};
  }

  Result<KeyringState> operator()(const TenantKeyRotated& rotated) {
    if (!state.exists || state.retiring || rotated.term != state.term + 1)
      return fail(ErrorCode::corrupt, "a tenant key was rotated out of turn");
    state.retiring =
        RetiringKey{state.term, state.root_epoch, state.tenant_key, rotated.rotated_time, 0};
    state.term = rotated.term;
    state.root_epoch = rotated.root_epoch;
    state.tenant_key = rotated.tenant_key;
    state.log_key = rotated.log_key;
    state.index_key = rotated.index_key;
    state.installed_time = rotated.rotated_time;
    return std::move(state);
  }

  Result<KeyringState> operator()(const TenantKeyRewrapped& rewrapped) {
    if (!is_retiring(state, rewrapped.term))
      return fail(ErrorCode::corrupt, "data keys were re-wrapped out of turn");
    state.retiring->rewrapped += rewrapped.keys;
    return std::move(state);
  }

  Result<KeyringState> operator()(const TenantKeyRetired& retired) {
    if (!is_retiring(state, retired.term) || state.retiring->key.id != retired.key)
      return fail(ErrorCode::corrupt, "a tenant key was retired out of turn");
    state.last_rotation = FinishedRotation{retired.term, state.retiring->rotated_time,
                                           retired.retired_time, retired.keys};
    state.retiring.reset();
    return std::move(state);
  }
};

}  // namespace

Result<void> check_rotation(const KeyringState& state) {
  if (!state.exists) return fail(ErrorCode::internal, "the tenant has no keyring");
  if (state.retiring)
    return fail(ErrorCode::invalid_argument,
                "a rotation of this namespace's key is in progress: its data keys are still being "
                "re-wrapped");
  return {};
}

Result<std::vector<Event>> decide(const KeyringState& state, const Command& command,
                                  Timestamp now) {
  return std::visit(Decider{state, now}, command);
}

Result<KeyringState> evolve(KeyringState state, const Event& event) {
  return std::visit(Evolver{std::move(state)}, event);
}

}  // namespace coffer::keyring
