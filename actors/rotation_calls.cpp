// Tenant keys: rotation of one's own or of a child namespace's, and how it is going.
#include "actors/vault_runtime.h"

namespace coffer::actors {
namespace {

api::KeyRotationStatus status_of(const keyring::RetiringKey& retiring, const RewrapNote& note) {
  api::KeyRotationStatus out;
  out.running = true;
  out.from_term = retiring.term;
  out.started = retiring.rotated_time;
  out.rewrapped = retiring.rewrapped;
  if (note.left) out.total = retiring.rewrapped - note.rewrapped + *note.left;
  out.problem = note.problem;
  return out;
}

api::KeyRotationStatus status_of(const keyring::FinishedRotation& last) {
  api::KeyRotationStatus out;
  out.from_term = last.term;
  out.started = last.rotated_time;
  out.finished = last.retired_time;
  out.rewrapped = last.rewrapped;
  out.total = last.rewrapped;
  return out;
}

}  // namespace

std::optional<TenantId> VaultRuntime::named_tenant(const api::AdmissionPtr& admission,
                                                   const std::string& child) const {
  const auto own = gate_of(admission).snapshot->view.id;
  if (child.empty()) return own;
  return services_->directory.child(own, child);
}

void VaultRuntime::rotate_tenant_key(api::AdmissionPtr admission, std::string name,
                                     int success_status, api::Callback<api::Changed> done) {
  const auto tenant = named_tenant(admission, name);
  if (!tenant) return done(fail(ErrorCode::not_found, "namespace not found"));
  auto request = std::make_shared<TenantRequest>();
  request->tenant = *tenant;
  RotateKey rotate;
  rotate.success_status = success_status;
  if (name.empty()) {
    rotate.admission = admission;
    rotate.done = Promise<api::Changed>(std::move(done));
  } else {
    // The child's log has the event; the access record belongs to the caller's tenant.
    rotate.done =
        Promise<api::Changed>([admission, done = std::move(done)](Result<api::Changed> changed) {
          if (changed) changed->recorded = false;
          done(std::move(changed));
        });
  }
  request->body = std::move(rotate);
  if (!services_->partition.try_send(request, services_->limits.mailbox_max))
    std::get<RotateKey>(request->body)
        .done.fail(ErrorCode::overloaded, "too many requests for this namespace");
}

void VaultRuntime::tenant_key_status(api::AdmissionPtr admission, std::string name,
                                     api::Callback<api::KeyStatus> done) {
  const auto tenant = named_tenant(admission, name);
  if (!tenant) return done(fail(ErrorCode::not_found, "namespace not found"));
  activate(*tenant, [this, id = *tenant, done = std::move(done)](Result<TenantSnapshotPtr> active) {
    if (!active) return done(std::move(active).error());
    const auto ring = services_->tenant_key_rings.find(id);
    if (!ring) return done(fail(ErrorCode::unavailable, "the namespace's keys are not open"));
    api::KeyStatus status;
    status.term = ring->state.term;
    status.install_time = ring->state.installed_time;
    // Stores of before rotation do not say; a key of the first term is as old as its tenant.
    if (!status.install_time.is_set()) status.install_time = (*active)->view.state.created_time;
    status.encryptions = services_->key_use.wraps(ring->active.id);
    if (ring->state.retiring)
      status.rotation = status_of(*ring->state.retiring, services_->rewraps.find(id));
    else if (ring->state.last_rotation)
      status.rotation = status_of(*ring->state.last_rotation);
    done(std::move(status));
  });
}

}  // namespace coffer::actors
