// Random stored values. To be called inside a RapidCheck property. Texts are any bytes: a log has
// to give back what was written to it, UTF-8 or not.
#pragma once

#include <rapidcheck.h>

#include "events/codec/event_codec.h"
#include "events/codec/replicated_codec.h"

namespace coffer::codec::random {

// An event of the given aggregate (alternative of AnyEvent), of any of its types.
[[nodiscard]] AnyEvent event(std::size_t aggregate);
[[nodiscard]] Snapshot<identity::Entity> identity_entity();
[[nodiscard]] Snapshot<identity::Group> identity_group();

[[nodiscard]] Record record();
[[nodiscard]] Batch batch();
[[nodiscard]] ReplicatedRecord replicated_append();
[[nodiscard]] AccessEnvelope access_envelope();
[[nodiscard]] audit::AccessRecord access_record();
[[nodiscard]] Snapshot<secret::SecretState> secret_snapshot();
[[nodiscard]] Snapshot<tenant::TenantState> tenant_snapshot();
[[nodiscard]] Snapshot<keyring::KeyringState> keyring_snapshot();
[[nodiscard]] Snapshot<token::TokenState> token_snapshot();
[[nodiscard]] Snapshot<policy::PolicySet> policy_snapshot();

}  // namespace coffer::codec::random
