#include "events/codec/replicated_codec.h"

#include <fmt/format.h>

#include "events/codec/fields.h"
#include "events/schema/replicated.pb.h"

namespace coffer::codec {
namespace {

constexpr std::uint32_t kFormat = 1;

template <class Message>
Result<void> check_format(const char* what, Message& message, BytesView bytes) {
  if (!parse(message, bytes))
    return fail(ErrorCode::corrupt, fmt::format("{}: not a message", what));
  if (message.format() != kFormat)
    return fail(message.format() > kFormat ? ErrorCode::unsupported : ErrorCode::corrupt,
                fmt::format("{}: format {} is not known", what, message.format()));
  return {};
}

Result<void> check_fields(const char* what, const FieldReader& in) {
  if (!in.first_fault()) return {};
  return fail(ErrorCode::corrupt, fmt::format("{}: {}", what, *in.first_fault()));
}

void write_change(schema::RowChange& m, const RowChange& change) {
  m.set_family(change.family);
  put(m.mutable_row(), change.row);
  if (const auto* value = std::get_if<Bytes>(&change.content)) put(m.mutable_value(), *value);
  if (const auto* hash = std::get_if<Sha256>(&change.content))
    put(m.mutable_blob_hash(), BytesView(*hash));
}

RowChange read_change(const schema::RowChange& m, FieldReader& in) {
  RowChange change{m.family(), to_bytes(m.row()), {}};
  if (m.content_case() == schema::RowChange::kValue) change.content = to_bytes(m.value());
  if (m.content_case() == schema::RowChange::kBlobHash)
    in.hash("blob_hash", m.blob_hash(), change.content.emplace<Sha256>());
  return change;
}

void write_append(schema::ReplicatedAppend& m, const AppendBody& body) {
  put(m.mutable_event(), body.event);
  m.mutable_changes()->Reserve(static_cast<int>(body.changes.size()));
  for (const auto& change : body.changes) write_change(*m.add_changes(), change);
  for (const auto& range : body.row_ranges) {
    auto* out = m.add_row_ranges();
    out->set_family(range.family);
    put(out->mutable_prefix(), range.prefix);
  }
  m.set_access_position(body.access_position);
  m.mutable_access()->Reserve(static_cast<int>(body.access.size()));
  for (const auto& access : body.access) put(m.add_access(), access);
  if (!body.access_start) return;
  m.mutable_access_start()->set_first(body.access_start->first);
  m.mutable_access_start()->set_last(body.access_start->last);
  put(m.mutable_access_start()->mutable_last_hash(), BytesView(body.access_start->last_hash));
}

AppendBody read_append(const schema::ReplicatedAppend& m, FieldReader& in) {
  AppendBody body;
  body.event = to_bytes(m.event());
  body.changes.reserve(static_cast<std::size_t>(m.changes_size()));
  for (const auto& change : m.changes()) body.changes.push_back(read_change(change, in));
  for (const auto& range : m.row_ranges())
    body.row_ranges.push_back({range.family(), to_bytes(range.prefix())});
  body.access_position = m.access_position();
  body.access.reserve(static_cast<std::size_t>(m.access_size()));
  for (const auto& access : m.access()) body.access.push_back(to_bytes(access));
  if ((body.access_position == 0) != body.access.empty())
    in.fault("access records and their position do not go together");
  if (m.has_access_start()) {
    auto& start = body.access_start.emplace();
    start.first = m.access_start().first();
    start.last = m.access_start().last();
    in.hash("last_hash", m.access_start().last_hash(), start.last_hash);
    if (start.first == 0 || start.first > start.last || start.last + 1 != body.access_position)
      in.fault("access records do not begin behind what is missing");
  }
  return body;
}

void write_group(schema::ReplicatedGroup& m, const GroupBody& body) {
  m.mutable_commands()->Reserve(static_cast<int>(body.commands.size()));
  for (const auto& command : body.commands) write_append(*m.add_commands(), command);
}

GroupBody read_group(const schema::ReplicatedGroup& m, FieldReader& in) {
  GroupBody body;
  body.commands.reserve(static_cast<std::size_t>(m.commands_size()));
  for (const auto& command : m.commands()) body.commands.push_back(read_append(command, in));
  return body;
}

void write_claim(schema::ClaimInForce& m, const ClaimInForce& claim) {
  m.set_epoch(claim.epoch);
  put(m.mutable_nonce(), claim.nonce);
  m.set_released(claim.released);
}

ClaimInForce read_claim(const schema::ClaimInForce& m, FieldReader& in) {
  ClaimInForce claim{m.epoch(), {}, m.released()};
  in.id("claim nonce", m.nonce(), claim.nonce);
  return claim;
}

}  // namespace

Bytes encode_replicated(const ReplicatedRecord& record) {
  schema::ReplicatedRecord m;
  m.set_format(kFormat);
  m.set_epoch(record.epoch);
  put(m.mutable_nonce(), record.nonce);
  if (const auto* claim = std::get_if<ClaimBody>(&record.body))
    put(m.mutable_claim()->mutable_node(), as_bytes(claim->node));
  if (std::holds_alternative<ReleaseBody>(record.body)) m.mutable_release();
  if (std::holds_alternative<NoopBody>(record.body)) m.mutable_noop();
  if (const auto* append = std::get_if<AppendBody>(&record.body))
    write_append(*m.mutable_append(), *append);
  if (const auto* group = std::get_if<GroupBody>(&record.body))
    write_group(*m.mutable_group(), *group);
  return serialise(m);
}

Result<ReplicatedRecord> decode_replicated(BytesView bytes) {
  constexpr auto kWhat = "replicated record";
  schema::ReplicatedRecord m;
  COFFER_TRY(check_format(kWhat, m, bytes));
  FieldReader in;
  ReplicatedRecord record;
  record.epoch = m.epoch();
  in.id("nonce", m.nonce(), record.nonce);
  switch (m.body_case()) {
    case schema::ReplicatedRecord::kClaim:
      record.body = ClaimBody{m.claim().node()};
      break;
    case schema::ReplicatedRecord::kRelease:
      record.body = ReleaseBody{};
      break;
    case schema::ReplicatedRecord::kNoop:
      record.body = NoopBody{};
      break;
    case schema::ReplicatedRecord::kAppend:
      record.body = read_append(m.append(), in);
      break;
    case schema::ReplicatedRecord::kGroup:
      record.body = read_group(m.group(), in);
      break;
    case schema::ReplicatedRecord::BODY_NOT_SET:
      in.fault("its kind is not known");
      break;
  }
  COFFER_TRY(check_fields(kWhat, in));
  return record;
}

Bytes encode_key_blob(const KeyBlob& blob) {
  schema::KeyBlob m;
  m.set_format(kFormat);
  m.set_epoch(blob.epoch);
  put(m.mutable_nonce(), blob.nonce);
  put(m.mutable_blob(), blob.blob);
  return serialise(m);
}

Result<KeyBlob> decode_key_blob(BytesView bytes) {
  constexpr auto kWhat = "key blob";
  schema::KeyBlob m;
  COFFER_TRY(check_format(kWhat, m, bytes));
  FieldReader in;
  KeyBlob blob;
  blob.epoch = m.epoch();
  in.id("nonce", m.nonce(), blob.nonce);
  blob.blob = to_bytes(m.blob());
  COFFER_TRY(check_fields(kWhat, in));
  return blob;
}

Bytes encode_replica_position(const ReplicaPosition& position) {
  schema::ReplicaPosition m;
  m.set_format(kFormat);
  m.set_events_next(position.events_next);
  m.set_access_next(position.access_next);
  m.set_keys_next(position.keys_next);
  write_claim(*m.mutable_events_claim(), position.events_claim);
  write_claim(*m.mutable_access_claim(), position.access_claim);
  m.set_owner(position.owner);
  return serialise(m);
}

Result<ReplicaPosition> decode_replica_position(BytesView bytes) {
  constexpr auto kWhat = "replica position";
  schema::ReplicaPosition m;
  COFFER_TRY(check_format(kWhat, m, bytes));
  FieldReader in;
  ReplicaPosition position{m.events_next(),
                           m.access_next(),
                           m.keys_next(),
                           read_claim(m.events_claim(), in),
                           read_claim(m.access_claim(), in),
                           m.owner()};
  COFFER_TRY(check_fields(kWhat, in));
  return position;
}

}  // namespace coffer::codec
