#include "events/log/kafka/claim_rule.h"

namespace coffer::log {

bool admit(ClaimState& state, const ClaimedRecord& record) noexcept {
  if (record.kind == RecordKind::claim) {
    if (record.epoch <= state.epoch) return false;
    state = {record.epoch, record.nonce, false};
    return true;
  }
  // Epoch 0 is no claim, whatever nonce a record has.
  const bool owned = state.epoch != 0 && !state.released;
  if (!owned || record.epoch != state.epoch || record.nonce != state.nonce) return false;
  if (record.kind == RecordKind::release) state.released = true;
  return true;
}

}  // namespace coffer::log
