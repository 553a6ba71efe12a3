#include "actors/admission.h"

namespace coffer::actors {
namespace {

// A token's accessor has the same hash in every record of a tenant, so a thread remembers the last
// ones instead of computing it for each request.
const std::string& accessor_hmac(const TenantKeys& keys, const token::TokenState& token) {
  struct Remembered {
    KeyId index_key;
    TokenId token;
    std::string hex;
  };
  thread_local std::array<Remembered, 64> cache;
  auto& entry = cache[std::hash<TokenId>{}(token.id) % cache.size()];
  const auto& index_key = keys.index_key_id();
  if (entry.token != token.id || entry.index_key != index_key)
    entry = {index_key, token.id, to_hex(keys.name_hash("accessor", {}, token.accessor).view())};
  return entry.hex;
}

}  // namespace

audit::AccessRecord access_record(const GateAdmission& admission, const api::Outcome& outcome,
                                  Timestamp now) {
  audit::AccessRecord record;
  record.time = now;
  record.request_id = admission.head.request_id;
  record.trace_parent = admission.head.trace_parent;
  if (admission.snapshot) {
    record.tenant = admission.snapshot->view.id;
    record.namespace_path = admission.snapshot->view.path;
  } else {
    record.namespace_path = admission.head.namespace_path;
  }
  record.remote_address = admission.head.remote_address;
  record.operation = policy::to_string(admission.head.operation);
  record.path = admission.head.path;
  record.token_hmac = admission.token_hmac;
  if (admission.token) {
    record.display_name = admission.token->display_name;
    record.policies = admission.token->policies;
    if (admission.snapshot && admission.snapshot->keys)
      record.token_accessor_hmac = accessor_hmac(*admission.snapshot->keys, *admission.token);
  }
  record.matched_rule = admission.decision.matched_pattern;
  record.status = static_cast<std::uint16_t>(outcome.status);
  if (outcome.error) record.error_class = to_string(*outcome.error);
  record.secret_version = outcome.secret_version;
  return record;
}

Result<std::vector<log::AccessAppend>> success_record(const api::AdmissionPtr& admission,
                                                      const TenantKeys& keys, int status,
                                                      VersionNumber version, Timestamp now) {
  std::vector<log::AccessAppend> out;
  if (!admission) return out;
  const auto record = access_record(gate_of(admission), {status, std::nullopt, version}, now);
  COFFER_ASSIGN(auto append, seal_access(keys, record));
  out.push_back(std::move(append));
  return out;
}

}  // namespace coffer::actors
