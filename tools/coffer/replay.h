// State rebuilt from a stream's records with the server's own evolve functions. Which aggregates it
// holds depends on the events it has seen.
#pragma once

#include <optional>

#include "events/keyring/keyring.h"
#include "events/policy/policy_set.h"
#include "events/secret/secret_state.h"
#include "events/tenant/tenant_state.h"
#include "events/token/token.h"
#include "tools/coffer/event_source.h"

namespace coffer::cli {

struct ReplayedState {
  std::uint64_t records = 0;   // applied
  std::uint64_t sequence = 0;  // of the last one applied
  std::string time;            // its time
  std::optional<secret::SecretState> secret;
  std::optional<token::TokenState> token;
  std::optional<tenant::TenantState> tenant;
  std::optional<policy::PolicySet> policies;
  std::optional<keyring::KeyringState> keyring;
};

// Errors: corrupt, unsupported, with the record's number.
[[nodiscard]] Result<void> apply(ReplayedState& state, const EventRecord& record);

}  // namespace coffer::cli
