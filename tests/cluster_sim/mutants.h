// The product with one rule broken each, to show that the simulation would notice. Broken through
// the same doors that the simulation uses: the rules object, the producer, the simulated service.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "events/log/kafka/ownership_rules.h"
#include "tests/cluster_sim/register_service.h"

namespace coffer::sim {

enum class Mutant : std::uint8_t {
  none,
  equal_epochs_win,
  nonce_ignored,
  claims_ignored,
  lease_not_checked,
  lease_from_acknowledgement,
  lease_checked_for_another,
  lease_not_waited_for,
  offsets_not_checked,
  success_on_unknown_outcome,
  stale_state_kept,
  event_before_its_blob,
};

struct MutantInfo {
  Mutant mutant;
  std::string_view what;
};
[[nodiscard]] std::span<const MutantInfo> all_mutants();

// Live for ever.
[[nodiscard]] const log::OwnershipRules& rules_of(Mutant mutant);
[[nodiscard]] ProducerFault producer_fault_of(Mutant mutant);
[[nodiscard]] ServiceFault service_fault_of(Mutant mutant);

}  // namespace coffer::sim
