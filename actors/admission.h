// The gate's own view of an admitted request: what api::Admission shows plus the snapshots it was
// decided on. Made by the request gate, read by the actors for the access record.
#pragma once

#include "actors/append_builder.h"
#include "actors/services.h"

namespace coffer::actors {

class GateAdmission final : public api::Admission {
 public:
  TenantSnapshotPtr snapshot;                        // of the request's tenant
  std::shared_ptr<const policy::AccessList> access;  // null without a valid token
  std::string access_prefix;                         // request tenant relative to the token's
  std::string token_hmac;                            // hex; empty without a token
  IdentityViewPtr identity;                          // of the token; null: it is nobody's
};

[[nodiscard]] inline GateAdmission& gate_of(const api::AdmissionPtr& admission) {
  return static_cast<GateAdmission&>(*admission);
}

[[nodiscard]] audit::AccessRecord access_record(const GateAdmission& admission,
                                                const api::Outcome& outcome, Timestamp now);

// The record of a change that succeeds, for the commit that makes it; none for internal changes.
[[nodiscard]] Result<std::vector<log::AccessAppend>> success_record(
    const api::AdmissionPtr& admission, const TenantKeys& keys, int status, VersionNumber version,
    Timestamp now);

}  // namespace coffer::actors
