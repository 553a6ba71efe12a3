// A second, bare user of the module in the same process: what an attacker who may log in would
// call, and what can happen to a session behind our back. Needs a key service that is logged in:
// login is per process. Threads: one.
#pragma once

#include <p11-kit/pkcs11.h>

#include <string>
#include <vector>

#include "events/base/bytes.h"

namespace coffer::testing {

class RawPkcs11 {
 public:
  // Opens a session on the token of SoftHsm.
  RawPkcs11();
  RawPkcs11(const RawPkcs11&) = delete;
  RawPkcs11& operator=(const RawPkcs11&) = delete;
  ~RawPkcs11();

  [[nodiscard]] CK_FUNCTION_LIST& call() const { return *functions_; }
  [[nodiscard]] CK_SESSION_HANDLE session() const { return session_; }
  [[nodiscard]] CK_SLOT_ID slot() const { return slot_; }

  // Handles of all AES keys that the process sees now.
  [[nodiscard]] std::vector<CK_OBJECT_HANDLE> keys() const;
  [[nodiscard]] CK_OBJECT_HANDLE key_named(const std::string& label) const;  // 0: none
  // Unwraps a blob with the attributes that a reader of keys would ask for.
  CK_RV unwrap_readable(CK_OBJECT_HANDLE root, BytesView blob, CK_OBJECT_HANDLE& key) const;
  CK_RV set_flag(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, bool value) const;
  // A root key that lacks one or more of the locks.
  struct Locks {
    bool extractable = false;
    bool modifiable = false;
    bool decrypt = false;
    bool unwrap_template = true;
  };
  CK_RV make_root(unsigned epoch, const Locks& locks) const;

 private:
  CK_FUNCTION_LIST* functions_ = nullptr;
  CK_SLOT_ID slot_ = 0;
  CK_SESSION_HANDLE session_ = 0;
};

}  // namespace coffer::testing
