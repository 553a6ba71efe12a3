#include "tests/cluster_sim/mutants.h"

#include <array>

namespace coffer::sim {
namespace {

using log::Claim;
using log::ClaimedRecord;
using log::ClaimState;
using log::Lease;
using log::RecordKind;

constexpr std::array kMutants{
    MutantInfo{Mutant::equal_epochs_win, "claim rule: a later claim of the same epoch counts"},
    MutantInfo{Mutant::nonce_ignored, "claim rule: the epoch alone is compared"},
    MutantInfo{Mutant::claims_ignored, "claim rule: every record counts once anybody has claimed"},
    MutantInfo{Mutant::lease_not_checked, "lease: not checked before an answer"},
    MutantInfo{Mutant::lease_from_acknowledgement, "lease: counted from the acknowledgement"},
    MutantInfo{Mutant::lease_checked_for_another,
               "lease: checked before the read, with the one before it"},
    MutantInfo{Mutant::lease_not_waited_for, "take-over: does not wait for the old lease"},
    MutantInfo{Mutant::offsets_not_checked, "append: gaps between offsets are not looked at"},
    MutantInfo{Mutant::success_on_unknown_outcome, "append: no acknowledgement is a success"},
    MutantInfo{Mutant::stale_state_kept, "service: its state outlives an unknown outcome"},
    MutantInfo{Mutant::event_before_its_blob, "append: the event goes before its wrapped key"},
};

class EqualEpochsWin final : public log::OwnershipRules {
  bool admits(ClaimState& state, const ClaimedRecord& record) const noexcept override {
    if (record.kind != RecordKind::claim || record.epoch != state.epoch)
      return admit(state, record);
    state = {record.epoch, record.nonce, false};
    return true;
  }
};

class NonceIgnored final : public log::OwnershipRules {
  bool admits(ClaimState& state, const ClaimedRecord& record) const noexcept override {
    auto same = record;
    if (record.kind != RecordKind::claim) same.nonce = state.nonce;
    return admit(state, same);
  }
  bool is_claim(const ClaimState& state, const Claim& claim) const noexcept override {
    return state.epoch == claim.epoch;
  }
};

class ClaimsIgnored final : public log::OwnershipRules {
  bool admits(ClaimState& state, const ClaimedRecord& record) const noexcept override {
    if (record.kind == RecordKind::claim || state.epoch == 0) return admit(state, record);
    return true;
  }
};

class LeaseNotChecked final : public log::OwnershipRules {
  bool needs_renewal(const Lease&, Lease::Time) const noexcept override { return false; }
  bool may_answer(const Lease&, Lease::Time) const noexcept override { return true; }
};

class LeaseFromAcknowledgement final : public log::OwnershipRules {
  Lease::Time lease_begins(Lease::Time, Lease::Time acknowledged_at) const noexcept override {
    return acknowledged_at;
  }
};

class LeaseNotWaitedFor final : public log::OwnershipRules {
  Lease::Time answers_from(Lease::Time, log::Milliseconds) const noexcept override { return {}; }
};

class OffsetsNotChecked final : public log::OwnershipRules {
  bool is_dense(std::span<const log::KafkaOffset>, std::uint64_t) const noexcept override {
    return true;
  }
};

}  // namespace

std::span<const MutantInfo> all_mutants() {
  return kMutants;
}

const log::OwnershipRules& rules_of(Mutant mutant) {
  static const EqualEpochsWin equal_epochs_win;
  static const NonceIgnored nonce_ignored;
  static const ClaimsIgnored claims_ignored;
  static const LeaseNotChecked lease_not_checked;
  static const LeaseFromAcknowledgement lease_from_acknowledgement;
  static const LeaseNotWaitedFor lease_not_waited_for;
  static const OffsetsNotChecked offsets_not_checked;
  switch (mutant) {
    case Mutant::equal_epochs_win:
      return equal_epochs_win;
    case Mutant::nonce_ignored:
      return nonce_ignored;
    case Mutant::claims_ignored:
      return claims_ignored;
    case Mutant::lease_not_checked:
      return lease_not_checked;
    case Mutant::lease_from_acknowledgement:
      return lease_from_acknowledgement;
    case Mutant::lease_not_waited_for:
      return lease_not_waited_for;
    case Mutant::offsets_not_checked:
      return offsets_not_checked;
    default:
      return log::OwnershipRules::standard();
  }
}

ProducerFault producer_fault_of(Mutant mutant) {
  if (mutant == Mutant::success_on_unknown_outcome)
    return ProducerFault::success_on_unknown_outcome;
  if (mutant == Mutant::event_before_its_blob) return ProducerFault::blobs_last;
  return ProducerFault::none;
}

ServiceFault service_fault_of(Mutant mutant) {
  return {mutant == Mutant::lease_checked_for_another, mutant == Mutant::stale_state_kept};
}

}  // namespace coffer::sim
