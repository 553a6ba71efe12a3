#include <fmt/format.h>

#include "events/codec/event_codec.h"
#include "events/codec/fields.h"
#include "events/schema/record.pb.h"

namespace coffer::codec {
namespace {

constexpr std::uint32_t kRecordFormat = 1;

}  // namespace

Bytes encode_record(const Record& record) {
  COFFER_CHECK(record.previous_hash.empty() || record.previous_hash.size() == sizeof(Sha256));
  auto& m = reused<schema::RecordEnvelope>();
  m.set_format(kRecordFormat);
  put(m.mutable_tenant(), record.tenant);
  m.set_tenant_sequence(record.tenant_sequence);
  m.set_epoch(record.epoch);
  put(m.mutable_nonce(), record.nonce);
  m.set_time_ns(record.time.ns);
  put(m.mutable_previous_hash(), record.previous_hash);
  put(m.mutable_log_key(), record.log_key);
  m.mutable_events()->Reserve(static_cast<int>(record.heads.size()));
  for (const EventHead& head : record.heads) {
    auto* event = m.add_events();
    event->set_type(head.type);
    event->set_schema_version(head.schema_version);
  }
  put(m.mutable_payload(), record.payload);
  put(m.mutable_command_id(), record.command_id);
  return serialise_reused(m);
}

Result<Record> decode_record(BytesView bytes) {
  schema::RecordEnvelope m;
  if (!parse(m, bytes)) return fail(ErrorCode::corrupt, "event record: not a message");
  if (m.format() != kRecordFormat)
    return fail(ErrorCode::corrupt,
                fmt::format("event record: format {} is not known", m.format()));
  Record record;
  FieldReader in;
  in.id("tenant", m.tenant(), record.tenant);
  in.id("nonce", m.nonce(), record.nonce);
  in.id("log_key", m.log_key(), record.log_key);
  in.id("command_id", m.command_id(), record.command_id);
  in.optional_hash("previous_hash", m.previous_hash(), record.previous_hash);
  if (in.first_fault()) return fail(ErrorCode::corrupt, "event record: " + *in.first_fault());
  record.tenant_sequence = m.tenant_sequence();
  record.epoch = m.epoch();
  record.time = {m.time_ns()};
  record.heads.reserve(static_cast<std::size_t>(m.events_size()));
  for (const auto& event : m.events())
    record.heads.push_back({event.type(), event.schema_version()});
  record.payload = to_bytes(m.payload());
  return record;
}

Bytes encode_batch(const Batch& batch) {
  COFFER_CHECK(batch.stream.size() == sizeof(Id128<void>));
  auto& m = reused<schema::EventBatch>();
  put(m.mutable_stream(), batch.stream);
  m.mutable_bodies()->Reserve(static_cast<int>(batch.bodies.size()));
  for (const Bytes& body : batch.bodies) put(m.add_bodies(), body);
  return serialise_reused(m);
}

Result<Batch> decode_batch(BytesView bytes) {
  schema::EventBatch m;
  if (!parse(m, bytes)) return fail(ErrorCode::corrupt, "event batch: not a message");
  FieldReader in;
  Id128<void> stream;
  in.id("stream", m.stream(), stream);
  if (in.first_fault()) return fail(ErrorCode::corrupt, "event batch: " + *in.first_fault());
  Batch batch{to_bytes(m.stream()), {}};
  batch.bodies.reserve(static_cast<std::size_t>(m.bodies_size()));
  for (const auto& body : m.bodies()) batch.bodies.push_back(to_bytes(body));
  return batch;
}

}  // namespace coffer::codec
