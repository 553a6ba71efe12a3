#include "hsm/pkcs11_error.h"

#include <doctest/doctest.h>

namespace coffer::hsm {
namespace {

TEST_CASE("codes of a module map to what the caller should do") {
  struct Row {
    CK_RV rv;
    const char* name;
    ErrorCode code;
    bool reconnect;
  };
  const Row rows[] = {
      {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", ErrorCode::unavailable, true},
      {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", ErrorCode::unavailable, true},
      {CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID", ErrorCode::unavailable, true},
      {CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID", ErrorCode::unavailable, true},
      {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN", ErrorCode::unavailable, true},
      {CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED", ErrorCode::unavailable, true},
      {CKR_HOST_MEMORY, "CKR_HOST_MEMORY", ErrorCode::unavailable, false},
      {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", ErrorCode::permission_denied, false},
      {CKR_PIN_LOCKED, "CKR_PIN_LOCKED", ErrorCode::permission_denied, false},
      {CKR_ENCRYPTED_DATA_INVALID, "CKR_ENCRYPTED_DATA_INVALID", ErrorCode::corrupt, false},
      {CKR_WRAPPED_KEY_INVALID, "CKR_WRAPPED_KEY_INVALID", ErrorCode::corrupt, false},
      {CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD", ErrorCode::internal, false},
      {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID", ErrorCode::unsupported, false},
      {CKR_VENDOR_DEFINED + 7, "a vendor's code", ErrorCode::unavailable, true},
      {0x7fff, "an unknown code", ErrorCode::internal, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto code = pkcs11_code(row.rv);
    CHECK(code.name == row.name);
    CHECK(code.code == row.code);
    CHECK(code.reconnect == row.reconnect);
  }
}

TEST_CASE("a message names the module, the call and the code") {
  CHECK(pkcs11_error("libhsm.so", "C_Login", CKR_PIN_INCORRECT).message ==
        "libhsm.so: C_Login failed with CKR_PIN_INCORRECT (0xa0)");
}

}  // namespace
}  // namespace coffer::hsm
