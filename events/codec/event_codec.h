// Domain values <-> stored bytes (protobuf, events/schema/*.proto). Stored formats are promises:
// every event version ever written decodes for ever (tests/golden/events), type numbers and names
// are never reused. Pure and thread-safe. Errors: corrupt, with the type number and what failed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "events/audit/access_record.h"
#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/base/result.h"
#include "events/identity/identity_events.h"
#include "events/keyring/keyring.h"
#include "events/policy/policy_set.h"
#include "events/secret/secret_state.h"
#include "events/tenant/tenant_state.h"
#include "events/token/token.h"

namespace coffer::codec {

// Alternatives in a fixed order: one for each aggregate.
using AnyEvent = std::variant<secret::Event, tenant::Event, keyring::Event, token::Event,
                              policy::Event, identity::Event>;

struct EventHead {
  // secret 101.., tenant 201.., keyring 301.., token 401.., policy 501.., identity 801..
  std::uint32_t type = 0;
  std::uint32_t schema_version = 1;
  friend bool operator==(const EventHead&, const EventHead&) = default;
};
struct EncodedEvent {
  EventHead head;
  Bytes body;
};

[[nodiscard]] EncodedEvent encode_event(const AnyEvent& event);
// An unknown type or schema version is `corrupt`: the tenant stops instead of skipping it.
[[nodiscard]] Result<AnyEvent> decode_event(const EventHead& head, BytesView body);
// "secret.version_written"; empty for an unknown type.
[[nodiscard]] std::string_view event_name(std::uint32_t type) noexcept;
// The body as one JSON object, for auditors; sealed values are shown as their length only.
[[nodiscard]] Result<std::string> event_to_json(const EventHead& head, BytesView body);

// The clear part of a record in the event log of a partition (record.proto).
struct Record {
  TenantId tenant;
  TenantSequence tenant_sequence = 0;
  std::uint64_t epoch = 0;
  Nonce128 nonce;
  Timestamp time;
  Bytes previous_hash;  // 32 bytes, empty for the tenant's first record
  KeyId log_key;
  std::vector<EventHead> heads;
  Bytes payload;  // sealed batch
  Id128<struct CommandTag> command_id;
  friend bool operator==(const Record&, const Record&) = default;
};
[[nodiscard]] Bytes encode_record(const Record& record);
[[nodiscard]] Result<Record> decode_record(BytesView bytes);

// The plaintext of a record's payload: the bodies in the order of the heads, and which aggregate
// they belong to (a SecretId, a TokenId, or zero for the tenant's own aggregates).
struct Batch {
  Bytes stream;  // 16 bytes
  std::vector<Bytes> bodies;
  friend bool operator==(const Batch&, const Batch&) = default;
};
[[nodiscard]] Bytes encode_batch(const Batch& batch);
[[nodiscard]] Result<Batch> decode_batch(BytesView bytes);

// A record of the access log: its clear part, with the AccessRecord sealed in `payload` (or in the
// clear when no tenant key is at hand, that is while the service is sealed: log_key is zero then).
struct AccessEnvelope {
  TenantId tenant;
  Timestamp time;
  Bytes previous_hash;  // of the partition's access chain
  KeyId log_key;
  Bytes payload;
  friend bool operator==(const AccessEnvelope&, const AccessEnvelope&) = default;
};
[[nodiscard]] Bytes encode_access_envelope(const AccessEnvelope& envelope);
[[nodiscard]] Result<AccessEnvelope> decode_access_envelope(BytesView bytes);
[[nodiscard]] Bytes encode_access_record(const audit::AccessRecord& record);
[[nodiscard]] Result<audit::AccessRecord> decode_access_record(BytesView bytes);

// Snapshots of aggregates. `sequence` is the tenant sequence of the last event in them.
template <class State>
struct Snapshot {
  TenantSequence sequence = 0;
  State state;
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};
[[nodiscard]] Bytes encode_snapshot(const Snapshot<secret::SecretState>& snapshot);
[[nodiscard]] Bytes encode_snapshot(const Snapshot<tenant::TenantState>& snapshot);
[[nodiscard]] Bytes encode_snapshot(const Snapshot<keyring::KeyringState>& snapshot);
[[nodiscard]] Bytes encode_snapshot(const Snapshot<token::TokenState>& snapshot);
[[nodiscard]] Bytes encode_snapshot(const Snapshot<policy::PolicySet>& snapshot);
[[nodiscard]] Bytes encode_snapshot(const Snapshot<identity::Entity>& snapshot);
[[nodiscard]] Bytes encode_snapshot(const Snapshot<identity::Group>& snapshot);
// Explicitly instantiated for the states above.
template <class State>
[[nodiscard]] Result<Snapshot<State>> decode_snapshot(BytesView bytes);

}  // namespace coffer::codec
