// The port to the key hierarchy: HSM root key -> tenant key -> data key.
//   root key    AES-256 object of the token, never extractable, one per root epoch
//   tenant key  generated in the HSM, leaves it only wrapped by the root (40 bytes, RFC 3394)
//   data key    32 random bytes made here, wrapped by the tenant key with AES-256-GCM in the HSM
// Every call blocks on the module; only the HSM worker's thread may call it (one thread per module
// is fastest, and the module's session is not shared). Errors: `unavailable` when the module, token
// or login is gone (a later try may work), `corrupt` when a blob does not open although the key
// works, `internal` for anything the table in pkcs11_error.cpp calls a bug of ours.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/base/result.h"
#include "events/base/secret_bytes.h"

namespace coffer::hsm {

using RootEpoch = std::uint32_t;  // starts at 1

struct WrappedTenantKey {
  KeyId id;
  RootEpoch root_epoch = 0;
  Bytes blob;  // 40 bytes
};

class KeyService {
 public:
  virtual ~KeyService() = default;

  // Logs in. Wrong PIN: permission_denied. Token absent: unavailable.
  virtual Result<void> login(const SecretBytes& pin) = 0;
  // Logs out and forgets every handle. Never fails; a dead token counts as logged out.
  virtual void logout() noexcept = 0;
  [[nodiscard]] virtual bool logged_in() const noexcept = 0;

  // Creates the root key of an epoch with the locked template. already_exists if it is there.
  virtual Result<void> create_root_key(RootEpoch epoch) = 0;
  // Finds the root key and proves that it works with a wrap/unwrap round trip.
  virtual Result<void> check_root_key(RootEpoch epoch) = 0;

  // Generates a tenant key, wraps it, loads it again and proves that it works before returning.
  virtual Result<WrappedTenantKey> create_tenant_key(const KeyId& id, RootEpoch epoch) = 0;
  // Makes a tenant key usable (unwraps it inside the HSM); keeps the handle in a bounded cache.
  virtual Result<void> load_tenant_key(const WrappedTenantKey& key) = 0;
  virtual void unload_tenant_key(const KeyId& id) noexcept = 0;

  // Wraps 32 bytes under a tenant key: 12-byte nonce, ciphertext, 16-byte tag. `aad` binds it to
  // its place. `key` is loaded on demand.
  virtual Result<Bytes> wrap(const WrappedTenantKey& key, BytesView aad, BytesView data_key) = 0;
  virtual Result<SecretBytes> unwrap(const WrappedTenantKey& key, BytesView aad,
                                     BytesView blob) = 0;
};

}  // namespace coffer::hsm
