#include "events/log/kafka/ownership_rules.h"

#include <algorithm>

namespace coffer::log {

const OwnershipRules& OwnershipRules::standard() {
  static const OwnershipRules rules;
  return rules;
}

bool OwnershipRules::is_dense(std::span<const KafkaOffset> offsets,
                              std::uint64_t next) const noexcept {
  return std::all_of(offsets.begin(), offsets.end(), [&](KafkaOffset offset) {
    return offset == static_cast<KafkaOffset>(next++);
  });
}

// Not from the acknowledgement: whoever claimed in between may have waited from before it.
Lease::Time OwnershipRules::lease_begins(Lease::Time sent_at, Lease::Time) const noexcept {
  return sent_at;
}

}  // namespace coffer::log
