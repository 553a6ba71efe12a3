// One fixed, fully filled value of everything that is stored. The golden files hold exactly these:
// to change a sample means to lose the proof that its stored form still decodes.
#pragma once

#include <vector>

#include "events/codec/event_codec.h"
#include "events/codec/meta_codec.h"
#include "events/codec/replicated_codec.h"

namespace coffer::codec::samples {

// 16 bytes: `first`, first + 1, ...
template <class Id>
Id id(std::uint8_t first) {
  Id out;
  for (std::size_t i = 0; i < out.bytes.size(); ++i)
    out.bytes[i] = static_cast<std::uint8_t>(first + i);
  return out;
}

// In the order of the event registry.
[[nodiscard]] std::vector<AnyEvent> events();

[[nodiscard]] Record record();
[[nodiscard]] Batch batch();
// The four kinds of record, in the order of the schema.
[[nodiscard]] std::vector<ReplicatedRecord> replicated_records();
[[nodiscard]] KeyBlob key_blob();
[[nodiscard]] ReplicaPosition replica_position();
[[nodiscard]] MigrationRow migration_row();
[[nodiscard]] VaultRow vault_row();  // of a vault of an earlier build
[[nodiscard]] VaultRow vault_row_with_sealed_pin();
[[nodiscard]] AccessEnvelope access_envelope();
[[nodiscard]] audit::AccessRecord access_record();  // as before there was trace_parent
[[nodiscard]] audit::AccessRecord traced_access_record();
[[nodiscard]] Snapshot<secret::SecretState> secret_snapshot();
[[nodiscard]] Snapshot<tenant::TenantState> tenant_snapshot();
[[nodiscard]] Snapshot<tenant::TenantState> tenant_snapshot_with_roles();
[[nodiscard]] Snapshot<tenant::TenantState> tenant_snapshot_with_limits();
[[nodiscard]] Snapshot<keyring::KeyringState> keyring_snapshot();
[[nodiscard]] Snapshot<keyring::KeyringState> keyring_snapshot_rotating();
[[nodiscard]] Snapshot<token::TokenState> token_snapshot();
[[nodiscard]] Snapshot<policy::PolicySet> policy_snapshot();
// What was added to stored forms that were there before.
[[nodiscard]] Snapshot<token::TokenState> token_snapshot_of_entity();
[[nodiscard]] AnyEvent token_created_of_entity();
[[nodiscard]] AnyEvent token_role_with_entity_aliases();
[[nodiscard]] Snapshot<identity::Entity> entity_snapshot();
[[nodiscard]] Snapshot<identity::Group> group_snapshot();

}  // namespace coffer::codec::samples
