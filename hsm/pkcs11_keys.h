// The root and tenant keys as objects of the current session: how they are made, found, proven and
// used. Knows nothing of lost tokens except how to tell that one may be lost; the service above
// opens the connection again and repeats the operation. Threads: the HSM worker's only.
// Precondition of every operation: connection.session() is not null. Errors: as
// pkcs11_key_service.h says.
#pragma once

#include <map>
#include <set>

#include "hsm/key_service.h"
#include "hsm/pkcs11_connection.h"
#include "hsm/tenant_handle_cache.h"

namespace coffer::hsm {

class Pkcs11Keys {
 public:
  Pkcs11Keys(Pkcs11Connection& connection, std::size_t tenant_keys_max);

  Result<void> create_root(RootEpoch epoch);
  Result<void> check_root(RootEpoch epoch);
  Result<WrappedTenantKey> create_tenant_key(const KeyId& id, RootEpoch epoch);
  Result<void> load_tenant_key(const WrappedTenantKey& key);
  void unload_tenant_key(const KeyId& id) noexcept;
  Result<Bytes> wrap(const WrappedTenantKey& key, BytesView aad, BytesView data_key);
  Result<SecretBytes> unwrap(const WrappedTenantKey& key, BytesView aad, BytesView blob);

  // True when the operation that just ended with `error` may work over a new connection.
  [[nodiscard]] bool may_be_lost(const Error& error) const;
  // The session is gone, or about to be: so are the handles.
  void forget_handles() noexcept;
  // False when a root key that worked before is not found now. Those are expected no longer.
  bool find_known_roots();
  // Logged out: nothing is known any more.
  void forget_everything() noexcept;

 private:
  struct Root {
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    Bytes canary;  // a key that nobody uses, wrapped by this root
  };

  Pkcs11Session& session() noexcept { return *connection_.session(); }
  Result<std::vector<CK_OBJECT_HANDLE>> search_root(RootEpoch epoch);
  Result<const Root*> root(RootEpoch epoch);
  Result<Root> prove_root(RootEpoch epoch, CK_OBJECT_HANDLE handle);
  Result<void> prove_locked(RootEpoch epoch, const Root& root);
  Result<Bytes> generate_wrapped_key(CK_OBJECT_HANDLE root);
  Result<CK_OBJECT_HANDLE> unwrap_tenant_key(const Root& root, BytesView blob);
  bool root_works(const Root& root);

  Result<const LoadedTenantKey*> tenant_key(const WrappedTenantKey& key);
  Result<LoadedTenantKey> loaded(CK_OBJECT_HANDLE handle);
  bool tenant_key_works(const LoadedTenantKey& key);

  Pkcs11Connection& connection_;
  std::map<RootEpoch, Root> roots_;
  std::set<RootEpoch> known_roots_;  // survives a lost connection
  TenantHandleCache tenants_;
  bool root_missing_ = false;  // the last operation did not find a root key
};

}  // namespace coffer::hsm
