#include "actors/admission.h"

namespace coffer::actors {

audit::AccessRecord access_record(const GateAdmission& admission, const api::Outcome& outcome,
                                  Timestamp now) {
  audit::AccessRecord record;
  record.time = now;
  record.request_id = admission.head.request_id;
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
      record.token_accessor_hmac = to_hex(
          admission.snapshot->keys->name_hash("accessor", {}, admission.token->accessor).view());
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
