#include <fmt/format.h>
#include <limits>

#include "events/codec/event_codec.h"
#include "events/codec/fields.h"
#include "events/schema/access.pb.h"

namespace coffer::codec {
namespace {

constexpr std::uint32_t kAccessFormat = 1;

}  // namespace

Bytes encode_access_envelope(const AccessEnvelope& envelope) {
  COFFER_CHECK(envelope.previous_hash.empty() || envelope.previous_hash.size() == sizeof(Sha256));
  auto& m = reused<schema::AccessEnvelope>();
  m.set_format(kAccessFormat);
  put(m.mutable_tenant(), envelope.tenant);
  m.set_time_ns(envelope.time.ns);
  put(m.mutable_previous_hash(), envelope.previous_hash);
  put(m.mutable_log_key(), envelope.log_key);
  put(m.mutable_payload(), envelope.payload);
  return serialise_reused(m);
}

Result<AccessEnvelope> decode_access_envelope(BytesView bytes) {
  schema::AccessEnvelope m;
  if (!parse(m, bytes)) return fail(ErrorCode::corrupt, "access envelope: not a message");
  if (m.format() != kAccessFormat)
    return fail(ErrorCode::corrupt,
                fmt::format("access envelope: format {} is not known", m.format()));
  AccessEnvelope envelope;
  FieldReader in;
  in.id("tenant", m.tenant(), envelope.tenant);
  in.id("log_key", m.log_key(), envelope.log_key);
  in.optional_hash("previous_hash", m.previous_hash(), envelope.previous_hash);
  if (in.first_fault()) return fail(ErrorCode::corrupt, "access envelope: " + *in.first_fault());
  envelope.time = {m.time_ns()};
  envelope.payload = to_bytes(m.payload());
  return envelope;
}

Bytes encode_access_record(const audit::AccessRecord& record) {
  auto& m = reused<schema::AccessRecord>();
  m.set_time_ns(record.time.ns);
  m.set_request_id(record.request_id);
  put(m.mutable_tenant(), record.tenant);
  m.set_namespace_path(record.namespace_path);
  m.set_remote_address(record.remote_address);
  m.set_operation(record.operation);
  m.set_path(record.path);
  m.set_token_hmac(record.token_hmac);
  m.set_token_accessor_hmac(record.token_accessor_hmac);
  m.set_display_name(record.display_name);
  m.mutable_policies()->Assign(record.policies.begin(), record.policies.end());
  m.set_matched_rule(record.matched_rule);
  m.set_status(record.status);
  m.set_error_class(record.error_class);
  m.set_secret_version(record.secret_version);
  m.set_collapsed_count(record.collapsed_count);
  m.set_trace_parent(record.trace_parent);
  return serialise_reused(m);
}

Result<audit::AccessRecord> decode_access_record(BytesView bytes) {
  schema::AccessRecord m;
  if (!parse(m, bytes)) return fail(ErrorCode::corrupt, "access record: not a message");
  audit::AccessRecord record;
  FieldReader in;
  in.id("tenant", m.tenant(), record.tenant);
  if (m.status() > std::numeric_limits<std::uint16_t>::max()) in.fault("status is too large");
  if (in.first_fault()) return fail(ErrorCode::corrupt, "access record: " + *in.first_fault());
  record.time = {m.time_ns()};
  record.request_id = std::move(*m.mutable_request_id());
  record.namespace_path = std::move(*m.mutable_namespace_path());
  record.remote_address = std::move(*m.mutable_remote_address());
  record.operation = std::move(*m.mutable_operation());
  record.path = std::move(*m.mutable_path());
  record.token_hmac = std::move(*m.mutable_token_hmac());
  record.token_accessor_hmac = std::move(*m.mutable_token_accessor_hmac());
  record.display_name = std::move(*m.mutable_display_name());
  record.policies.assign(m.policies().begin(), m.policies().end());
  record.matched_rule = std::move(*m.mutable_matched_rule());
  record.status = static_cast<std::uint16_t>(m.status());
  record.error_class = std::move(*m.mutable_error_class());
  record.secret_version = m.secret_version();
  record.collapsed_count = m.collapsed_count();
  record.trace_parent = std::move(*m.mutable_trace_parent());
  return record;
}

}  // namespace coffer::codec
