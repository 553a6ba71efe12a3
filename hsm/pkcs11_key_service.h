// The KeyService port over a PKCS#11 module (SoftHSM2 embedded; any module with AES-GCM, AES key
// wrap and unwrap templates). What each key may do is in pkcs11_key_templates.h. Threads: the HSM
// worker's only. Ownership: keeps the module initialised while it lives; one service per module and
// process.
//
// Lost tokens: an operation that fails because the session, login, handles or token are gone is
// tried once more after the session was opened again, or, where that does not help, after the
// module was restarted (SoftHSM sees a token that came back only then). While the token stays away,
// operations fail with `unavailable` and a new attempt is made at most once in `reconnect_pause`.
// A tenant key that is already loaded may go on working without its token, as in SoftHSM: only
// check_root_key proves that the token is there.
// Errors: as key_service.h says; in addition check_root_key: not_found when the token is there but
// the root key is not, corrupt when the root key is not locked or not unique. Messages name the
// module's file and the PKCS#11 code, never a PIN.
// Spec: PKCS#11 2.40; RFC 3394; NIST SP 800-38D.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "events/base/ports.h"
#include "hsm/key_service.h"

namespace coffer::hsm {

struct Pkcs11Options {
  std::string module_path;
  std::string token_label;
  // Unwrapped tenant keys kept in the HSM; each costs about 8 KB in SoftHSM.
  std::size_t tenant_keys_max = 10'000;
  // Keep the PIN in locked memory to log in again after the token was lost. False: somebody has to.
  bool keep_pin = true;
  std::chrono::milliseconds reconnect_pause{1000};
  // Times the pause; must outlive the service. Null: the system's clock.
  const Clock* clock = nullptr;
};

class Pkcs11KeyService final : public KeyService {
 public:
  // Loads and initialises the module; needs no token yet. What the module reads from its
  // environment (SOFTHSM2_CONF) must be set before.
  static Result<std::unique_ptr<Pkcs11KeyService>> open(const Pkcs11Options& options);
  ~Pkcs11KeyService() override;

  [[nodiscard]] Result<bool> token_present() const;
  // Makes a token with the label of the options. already_exists if it is there.
  Result<void> initialize_token(const SecretBytes& so_pin, const SecretBytes& user_pin);

  Result<void> login(const SecretBytes& pin) override;
  void logout() noexcept override;
  // Stays true while a lost token can be logged in to again with the kept PIN.
  [[nodiscard]] bool logged_in() const noexcept override;

  Result<void> create_root_key(RootEpoch epoch) override;
  Result<void> check_root_key(RootEpoch epoch) override;
  Result<WrappedTenantKey> create_tenant_key(const KeyId& id, RootEpoch epoch) override;
  Result<void> load_tenant_key(const WrappedTenantKey& key) override;
  void unload_tenant_key(const KeyId& id) noexcept override;
  Result<Bytes> wrap(const WrappedTenantKey& key, BytesView aad, BytesView data_key) override;
  Result<SecretBytes> unwrap(const WrappedTenantKey& key, BytesView aad, BytesView blob) override;

 private:
  struct Impl;
  explicit Pkcs11KeyService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer::hsm
