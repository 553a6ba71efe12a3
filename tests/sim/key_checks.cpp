// Rotations of tenant keys beside everything else, and what must be true of the key store at rest.
#include <fmt/format.h>

#include "actors/data_keys.h"
#include "events/log/state_keys.h"
#include "tests/sim/simulation.h"

namespace coffer::sim {
namespace {

struct StoredTenant {
  TenantId id;
  keyring::KeyringState keyring;
};

std::vector<StoredTenant> stored_tenants(const log::MemoryLog& log) {
  std::vector<StoredTenant> out;
  const auto rows = log.scan(log::Family::tenants, {}, {}, 10'000);
  for (const auto& row : *rows)
    out.push_back({TenantId::from_bytes(row.key), codec::decode_tenant_row(row.value)->keyring});
  return out;
}

// Only the tenant's own three keys and blobs of the active term: nothing of an old key is left, and
// nothing that was destroyed has come back under a key that is gone.
std::optional<std::string> wrong_key_row(const log::MemoryLog& log, const StoredTenant& tenant) {
  const auto& keyring = tenant.keyring;
  std::size_t own = 0;
  const auto rows = log.scan(log::Family::keys, tenant.id.view(), {}, 100'000);
  for (const auto& row : *rows) {
    const auto mount = MountId::from_bytes(BytesView(row.key).subspan(16, 16));
    const auto key = KeyId::from_bytes(BytesView(row.key).subspan(32, 16));
    if (mount.is_zero()) {
      ++own;
      if (key != keyring.tenant_key.id && key != keyring.log_key.id && key != keyring.index_key.id)
        return "a wrapped key is left that the keyring does not name";
      continue;
    }
    const auto blob = actors::parse_data_key_blob(row.value);
    if (!blob) return blob.error().message;
    if (blob->term != keyring.term)
      return fmt::format("a data key is under term {} of {}", blob->term, keyring.term);
  }
  if (own != 3) return fmt::format("a tenant has {} own keys", own);
  return std::nullopt;
}

}  // namespace

SimRequestPtr Simulation::rotation_request() {
  const auto where = any_namespace();
  const auto child = choice_.below(3) == 0 ? fmt::format("n{}", choice_.below(2)) : std::string();
  auto request = make_request(model_.tokens.front(), where, policy::Operation::update,
                              child.empty() ? "sys/rotate" : "sys/namespaces/" + child + "/rotate");
  request->what = "rotate the key of " + where->path + child;
  request->run = [child](api::RequestPort& vault, const api::AdmissionPtr& admission, auto finish) {
    vault.rotate_tenant_key(admission, child, 204, [finish](Result<api::Changed> changed) {
      Finish out;
      if (changed)
        out.recorded = changed->recorded;
      else
        out.error = changed.error();
      finish(out);
    });
  };
  request->learn = [](const Finish&) {};
  return request;
}

// Every rotation ends by itself once nothing fails any more.
void Simulation::finish_rotations() {
  for (int i = 0; i < 100; ++i) {
    world_.settle();
    const auto tenants = stored_tenants(world_.log());
    if (std::none_of(tenants.begin(), tenants.end(),
                     [](const auto& tenant) { return tenant.keyring.retiring.has_value(); }))
      return;
    for (int second = 0; second < 60; ++second) world_.vault().tick();
    world_.advance(std::chrono::milliseconds(5500));
  }
  violate("a rotation does not end");
}

void Simulation::check_keys() {
  for (const auto& tenant : stored_tenants(world_.log()))
    if (const auto wrong = wrong_key_row(world_.log(), tenant))
      return violate(tenant.id.to_string() + ": " + *wrong);
}

}  // namespace coffer::sim
