// The attributes of every key that we make in a token: what each kind of key may do is decided
// here. A Pkcs11Template owns the values that its attributes point to; move-only, not synchronised.
// Spec: PKCS#11 2.40, 4.10 (secret keys) and 5.13 (CKA_UNWRAP_TEMPLATE).
#pragma once

#include <p11-kit/pkcs11.h>

#include <list>
#include <string>
#include <vector>

#include "events/base/bytes.h"
#include "hsm/key_service.h"

namespace coffer::hsm {

class Pkcs11Template {
 public:
  Pkcs11Template() = default;
  Pkcs11Template(Pkcs11Template&&) = default;
  Pkcs11Template& operator=(Pkcs11Template&&) = default;

  Pkcs11Template& flag(CK_ATTRIBUTE_TYPE type, bool value);
  Pkcs11Template& number(CK_ATTRIBUTE_TYPE type, CK_ULONG value);
  Pkcs11Template& bytes(CK_ATTRIBUTE_TYPE type, BytesView value);
  Pkcs11Template& nested(CK_ATTRIBUTE_TYPE type, Pkcs11Template value);

  [[nodiscard]] CK_ATTRIBUTE* data() noexcept { return attributes_.data(); }
  [[nodiscard]] CK_ULONG size() const noexcept { return attributes_.size(); }

 private:
  std::vector<CK_ATTRIBUTE> attributes_;
  std::list<Bytes> values_;  // a list: elements never move
  std::list<Pkcs11Template> nested_;
};

// "coffer-root-<epoch>"
[[nodiscard]] std::string root_key_label(RootEpoch epoch);

// Finds the root key of an epoch.
[[nodiscard]] Pkcs11Template root_key_search(RootEpoch epoch);
// A key of the token that can only wrap and unwrap, never be changed or leave it, and whose
// unwrapped keys cannot leave it either: without that last rule, whoever may log in could unwrap a
// tenant key's blob again as extractable and read it.
[[nodiscard]] Pkcs11Template root_key(RootEpoch epoch);
// A key for one session that may leave the token wrapped and do nothing else: to be wrapped and
// destroyed at once.
[[nodiscard]] Pkcs11Template new_tenant_key();
// A key for one session that encrypts and decrypts and can never leave the token.
[[nodiscard]] Pkcs11Template loaded_tenant_key();
// What an attacker would ask for: the same, readable. A locked root key refuses to unwrap into it.
[[nodiscard]] Pkcs11Template readable_tenant_key();

}  // namespace coffer::hsm
