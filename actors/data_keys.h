// Data keys of secret versions: made, opened and wrapped anew. Runs on the HSM worker.
//
// What the key store holds for a version: the 60 bytes that the HSM's wrap gives, and in front of
// them, 4 bytes big-endian, the term of the tenant key that wrapped it. Blobs of the first term
// have no such prefix: stores that never rotated look as they always did. The id of the tenant key
// is part of the additional data, so a wrong term does not open.
#pragma once

#include "actors/key_use.h"
#include "actors/services.h"

namespace coffer::actors {

struct DataKeyPlace {
  MountId mount;
  std::string path;
  VersionNumber version = 0;
};

struct DataKeyBlob {
  keyring::KeyTerm term = 0;
  BytesView wrapped;
};
// corrupt: a length that is never written, or a term that is.
[[nodiscard]] Result<DataKeyBlob> parse_data_key_blob(BytesView stored);
[[nodiscard]] Bytes data_key_blob(keyring::KeyTerm term, BytesView wrapped);

struct FreshDataKey {
  KeyId id;
  hsm::KeyHandle plain;
  Bytes blob;
  // To be held until the blob is in the store or will never be.
  KeyUse::Lease lease;
};
// A data key for one version, wrapped for exactly its place by the active tenant key.
[[nodiscard]] Result<FreshDataKey> make_data_key(hsm::KeyService& hsm, Services& services,
                                                 const TenantKeys& keys, const DataKeyPlace& place);

// not_found: destroyed.
[[nodiscard]] Result<SecretBytes> open_data_key(hsm::KeyService& hsm, Services& services,
                                                const TenantKeys& keys, const DataKeyPlace& place,
                                                const KeyId& key);

// The same data key under the active tenant key.
[[nodiscard]] Result<Bytes> rewrap_data_key(hsm::KeyService& hsm, Services& services,
                                            const TenantKeys& keys, const DataKeyPlace& place,
                                            BytesView blob);

// Counts `count` wraps of a key of the tenant, and has a new count stored when one is due. In the
// log it stands before the blobs that are made under it.
[[nodiscard]] KeyUse::Lease begin_wraps(Services& services, const TenantKeys& keys,
                                        const KeyId& tenant_key, std::uint64_t count);
// The count that is stored for a tenant key; 0 when there is none.
[[nodiscard]] Result<std::uint64_t> stored_wraps(const log::StateReader& store,
                                                 const TenantKeys& keys, const KeyId& tenant_key);

}  // namespace coffer::actors
