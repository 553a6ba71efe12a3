// What the return codes of a PKCS#11 module mean to us: one table from CK_RV to its name, our
// ErrorCode, and whether the login to the token must be established again before another try.
// Stateless and thread-safe.
// Spec: PKCS#11 2.40, 5.1 (function return values); modules differ in which one they choose, see
// the comments of the table.
#pragma once

#include <p11-kit/pkcs11.h>

#include <string_view>

#include "events/base/result.h"

namespace coffer::hsm {

struct Pkcs11Code {
  CK_RV rv;
  std::string_view name;
  ErrorCode code;
  bool reconnect;  // session, login, handles or token may be gone
};

// Codes outside the table: `unavailable` for a vendor's own, `internal` for the rest.
[[nodiscard]] Pkcs11Code pkcs11_code(CK_RV rv) noexcept;

// `module` is the module's file name, `call` the name of the C function that failed.
[[nodiscard]] Error pkcs11_error(std::string_view module, std::string_view call, CK_RV rv);

}  // namespace coffer::hsm
