// Messages of the Kafka topics and the row that remembers how far a node has applied them
// (events/schema/replicated.proto). Stored formats are promises, as in event_codec.h. Pure and
// thread-safe. Errors: corrupt; unsupported, of a replicated record in a later release's format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/base/result.h"

namespace coffer::codec {

struct ClaimBody {
  std::string node;  // who claims, for people
  friend bool operator==(const ClaimBody&, const ClaimBody&) = default;
};
struct ReleaseBody {
  friend bool operator==(const ReleaseBody&, const ReleaseBody&) = default;
};
struct NoopBody {
  friend bool operator==(const NoopBody&, const NoopBody&) = default;
};

struct RowChange {
  std::uint32_t family = 0;  // number of the schema, from 1
  Bytes row;
  // Nothing: the row is deleted. A hash: of a blob in the topic "keys".
  std::variant<std::monostate, Bytes, Sha256> content;
  friend bool operator==(const RowChange&, const RowChange&) = default;
};
struct RowRange {
  std::uint32_t family = 0;
  Bytes prefix;
  friend bool operator==(const RowRange&, const RowRange&) = default;
};
// Access records that the log dropped before it was moved into the topics.
struct AccessStart {
  LogPosition first = 0;
  LogPosition last = 0;
  Sha256 last_hash{};
  friend bool operator==(const AccessStart&, const AccessStart&) = default;
};
struct AppendBody {
  Bytes event;  // an encoded Record; empty: none
  std::vector<RowChange> changes;
  std::vector<RowRange> row_ranges;
  LogPosition access_position = 0;               // of the first access record
  std::vector<Bytes> access;                     // encoded AccessEnvelopes
  std::optional<AccessStart> access_start = {};  // what is missing before the topic's first
  friend bool operator==(const AppendBody&, const AppendBody&) = default;
};
// Several commands, all of which count or none.
struct GroupBody {
  std::vector<AppendBody> commands;
  friend bool operator==(const GroupBody&, const GroupBody&) = default;
};

struct ReplicatedRecord {
  std::uint64_t epoch = 0;
  Nonce128 nonce;
  std::variant<ClaimBody, ReleaseBody, NoopBody, AppendBody, GroupBody> body;
  friend bool operator==(const ReplicatedRecord&, const ReplicatedRecord&) = default;
};
[[nodiscard]] Bytes encode_replicated(const ReplicatedRecord& record);
[[nodiscard]] Result<ReplicatedRecord> decode_replicated(BytesView bytes);

struct KeyBlob {
  std::uint64_t epoch = 0;
  Nonce128 nonce;
  Bytes blob;  // wrapped
  friend bool operator==(const KeyBlob&, const KeyBlob&) = default;
};
[[nodiscard]] Bytes encode_key_blob(const KeyBlob& blob);
[[nodiscard]] Result<KeyBlob> decode_key_blob(BytesView bytes);

struct ClaimInForce {
  std::uint64_t epoch = 0;
  Nonce128 nonce;
  bool released = false;
  friend bool operator==(const ClaimInForce&, const ClaimInForce&) = default;
};
struct ReplicaPosition {
  std::uint64_t events_next = 0;  // offsets of the next messages to apply
  std::uint64_t access_next = 0;
  std::uint64_t keys_next = 0;
  ClaimInForce events_claim;
  ClaimInForce access_claim;
  std::string owner = {};  // node of events_claim
  friend bool operator==(const ReplicaPosition&, const ReplicaPosition&) = default;
};
[[nodiscard]] Bytes encode_replica_position(const ReplicaPosition& position);
[[nodiscard]] Result<ReplicaPosition> decode_replica_position(BytesView bytes);

}  // namespace coffer::codec
