// Who owns a partition of the replicated log, decided by the log alone: a pure function of its
// records in their order. Every reader uses this one (owner, follower, rebuild, audit tools), so
// all of them skip the same records.
//   claim    counts when its epoch is above the current one; the first of two equal ones wins
//   append   counts under the latest counted claim's epoch and nonce, unless that was released
//   barrier  as an append; it changes nothing and only shows that the claim still stands
//   release  counts like an append and ends the claim: its owner has promised to write no more
// Anything else is skipped. Pure, thread-safe, never fails.
#pragma once

#include <cstdint>

#include "events/base/ids.h"

namespace coffer::log {

// The claim in force after some prefix of a partition. Epoch 0: nobody has claimed it yet.
struct ClaimState {
  std::uint64_t epoch = 0;
  Nonce128 nonce;
  bool released = false;  // the owner left in good order; nobody writes until the next claim
  friend bool operator==(const ClaimState&, const ClaimState&) = default;
};

enum class RecordKind : std::uint8_t { claim, release, barrier, append };

// What the rule looks at in a record: its kind and the claim that it was written under.
struct ClaimedRecord {
  RecordKind kind = RecordKind::append;
  std::uint64_t epoch = 0;
  Nonce128 nonce;
  friend bool operator==(const ClaimedRecord&, const ClaimedRecord&) = default;
};

// Moves `state` over one record. True: the record counts; false: every reader skips it.
[[nodiscard]] bool admit(ClaimState& state, const ClaimedRecord& record) noexcept;

}  // namespace coffer::log
