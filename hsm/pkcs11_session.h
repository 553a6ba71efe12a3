// One read-write session of a PKCS#11 module and the operations we need on it.
// Threads: one at a time, a session holds the state of the operation under way. Ownership:
// move-only; the destructor closes the session, and with it every session object made in it. The
// module must outlive it. Errors: as the table of pkcs11_error.h says; last_rv() tells the code of
// the last call. Spec: PKCS#11 2.40, 5.6 to 5.13; AES key wrap is RFC 3394, AES-GCM is NIST SP
// 800-38D.
#pragma once

#include <p11-kit/pkcs11.h>

#include "events/base/bytes.h"
#include "events/base/result.h"
#include "events/base/secret_bytes.h"
#include "hsm/pkcs11_key_templates.h"
#include "hsm/pkcs11_module.h"

namespace coffer::hsm {

class Pkcs11Session {
 public:
  static Result<Pkcs11Session> open(const Pkcs11Module& module, CK_SLOT_ID slot);
  Pkcs11Session(Pkcs11Session&& other) noexcept;
  Pkcs11Session& operator=(Pkcs11Session&&) = delete;
  Pkcs11Session(const Pkcs11Session&) = delete;
  Pkcs11Session& operator=(const Pkcs11Session&) = delete;
  ~Pkcs11Session();

  // The login belongs to the process, not to the session. An earlier one is ended first, so that
  // success always means that this PIN was right.
  Result<void> login(CK_USER_TYPE user, BytesView pin);
  void logout() noexcept;
  Result<void> set_user_pin(BytesView pin);  // as security officer

  Result<std::vector<CK_OBJECT_HANDLE>> find(Pkcs11Template& attributes);
  Result<bool> read_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
  Result<CK_OBJECT_HANDLE> generate_aes_key(Pkcs11Template& attributes);
  Result<void> destroy(CK_OBJECT_HANDLE object);

  Result<Bytes> wrap_key(CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key);
  Result<CK_OBJECT_HANDLE> unwrap_key(CK_OBJECT_HANDLE unwrapping, BytesView blob,
                                      Pkcs11Template& attributes);
  // Nonce, ciphertext, tag; the nonce is drawn here.
  Result<Bytes> encrypt_gcm(CK_OBJECT_HANDLE key, BytesView aad, BytesView plaintext);
  Result<SecretBytes> decrypt_gcm(CK_OBJECT_HANDLE key, BytesView aad, BytesView sealed);

  [[nodiscard]] CK_RV last_rv() const noexcept { return last_rv_; }

 private:
  Pkcs11Session(const Pkcs11Module& module, CK_SESSION_HANDLE handle) noexcept
      : module_(&module), handle_(handle) {}

  [[nodiscard]] CK_FUNCTION_LIST& functions() const noexcept { return module_->functions(); }
  // Remembers the code; true for success.
  bool succeeded(CK_RV rv) noexcept;
  [[nodiscard]] Error error(std::string_view call) const { return module_->error(call, last_rv_); }

  const Pkcs11Module* module_;
  CK_SESSION_HANDLE handle_;
  CK_RV last_rv_ = CKR_OK;
};

}  // namespace coffer::hsm
