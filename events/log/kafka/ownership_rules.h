// The decisions on which the safety of a cluster rests, in one place: which records count, when an
// acknowledgement shows that no foreign record lies before it, how long an owner may answer and how
// long its successor waits. The log and the replicas ask this object and nothing else for them.
// There is one set of rules in the product, standard(); the virtual functions are there so that the
// tests can break one rule at a time and show that the breach is found.
// Stateless and thread-safe.
#pragma once

#include <span>

#include "events/log/chain_builder.h"
#include "events/log/kafka/claim_rule.h"
#include "events/log/kafka/kafka_producer.h"
#include "events/log/kafka/lease.h"

namespace coffer::log {

class OwnershipRules {
 public:
  virtual ~OwnershipRules() = default;
  [[nodiscard]] static const OwnershipRules& standard();

  // claim_rule.h.
  [[nodiscard]] virtual bool admits(ClaimState& state, const ClaimedRecord& record) const noexcept {
    return admit(state, record);
  }
  // Whether the claim in force is this one; that it was released meanwhile does not matter.
  [[nodiscard]] virtual bool is_claim(const ClaimState& state, const Claim& claim) const noexcept {
    return state.epoch == claim.epoch && state.nonce == claim.nonce;
  }
  // Whether each offset is the one behind the last, beginning at `next`: then all of them are this
  // owner's and nothing lies between.
  [[nodiscard]] virtual bool is_dense(std::span<const KafkaOffset> offsets,
                                      std::uint64_t next) const noexcept;
  // From when the lease of a record counts.
  [[nodiscard]] virtual Lease::Time lease_begins(Lease::Time sent_at,
                                                 Lease::Time acknowledged_at) const noexcept;
  // Whether a batch without events of its own needs a barrier that renews the lease.
  [[nodiscard]] virtual bool needs_renewal(const Lease& lease, Lease::Time now) const noexcept {
    return lease.runs_out(now);
  }
  [[nodiscard]] virtual bool may_answer(const Lease& lease, Lease::Time now) const noexcept {
    return lease.valid(now);
  }
  // When a new owner may begin to answer: the old one sent nothing after `last_foreign`.
  [[nodiscard]] virtual Lease::Time answers_from(Lease::Time last_foreign,
                                                 Milliseconds lease) const noexcept {
    return lease_surely_over(last_foreign, lease);
  }
};

}  // namespace coffer::log
