// Opening a tenant: its keys out of the key store through the HSM, its snapshots out of the state.
#pragma once

#include "actors/append_builder.h"
#include "actors/services.h"

namespace coffer::actors {

struct TenantMaterial {
  TenantKeysPtr keys;
  tenant::TenantState state;
  policy::PolicySet policies;
};

// Runs on the HSM worker. Checks each wrapped blob against the hash in the keyring, and enters the
// tenant's keys in the tables of rings and of their use. Errors: corrupt (blob missing or altered),
// unavailable (HSM).
[[nodiscard]] Result<TenantKeysPtr> open_tenant_keys(hsm::KeyService& hsm, Services& services,
                                                     const TenantId& tenant,
                                                     const keyring::KeyringState& keyring);
[[nodiscard]] Result<TenantMaterial> open_tenant(hsm::KeyService& hsm, Services& services,
                                                 const DirectoryEntry& entry);

// A new tenant's keys, made in the HSM, with the rows that store their wrapped blobs.
struct NewTenantKeys {
  TenantKeysPtr keys;
  keyring::Event event;
  keyring::KeyringState keyring;
  std::vector<log::StateChange> rows;
};
[[nodiscard]] Result<NewTenantKeys> make_tenant_keys(hsm::KeyService& hsm, Services& services,
                                                     const TenantId& tenant,
                                                     hsm::RootEpoch root_epoch);

// A new tenant key, proved in the HSM, with the log and index keys wrapped by it; nothing is stored
// yet. Whoever does not store it unloads it.
struct RotatedKeys {
  keyring::RotateTenantKey command;
  hsm::WrappedTenantKey tenant_key;
  std::vector<log::StateChange> rows;
};
[[nodiscard]] Result<RotatedKeys> make_rotated_keys(hsm::KeyService& hsm, Services& services,
                                                    const TenantId& tenant, bool automatic);

// The append that creates a tenant: keyring, tenant and default policy in one record, and all rows.
// `root_keys` seals the name; for the root tenant itself they are its own keys.
struct NewTenant {
  DirectoryEntry entry;
  log::Append append;
};
[[nodiscard]] Result<NewTenant> build_new_tenant(const NewTenantKeys& made,
                                                 const TenantKeys& root_keys, Services& services,
                                                 const DirectoryEntry& parent, std::string name,
                                                 tenant::TextMap custom_metadata,
                                                 bool with_secret_mount);

}  // namespace coffer::actors
