#include "hsm/pkcs11_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace coffer::hsm {
namespace {

using enum ErrorCode;

constexpr bool kKeep = false;
constexpr bool kReconnect = true;

#define COFFER_ROW(rv, code, reconnect) \
  { rv, #rv, code, reconnect }

// In the order of the numbers.
constexpr Pkcs11Code kCodes[] = {
    COFFER_ROW(CKR_OK, internal, kKeep),
    COFFER_ROW(CKR_CANCEL, unavailable, kKeep),
    COFFER_ROW(CKR_HOST_MEMORY, unavailable, kKeep),
    COFFER_ROW(CKR_SLOT_ID_INVALID, unavailable, kReconnect),
    // SoftHSM answers this for a lost token, and also for a blob that does not decrypt: only a
    // canary tells the two apart.
    COFFER_ROW(CKR_GENERAL_ERROR, unavailable, kReconnect),
    COFFER_ROW(CKR_FUNCTION_FAILED, unavailable, kReconnect),
    COFFER_ROW(CKR_ARGUMENTS_BAD, internal, kKeep),
    COFFER_ROW(CKR_NEED_TO_CREATE_THREADS, unsupported, kKeep),
    COFFER_ROW(CKR_CANT_LOCK, unsupported, kKeep),
    COFFER_ROW(CKR_ATTRIBUTE_READ_ONLY, internal, kKeep),
    COFFER_ROW(CKR_ATTRIBUTE_SENSITIVE, internal, kKeep),
    COFFER_ROW(CKR_ATTRIBUTE_TYPE_INVALID, internal, kKeep),
    COFFER_ROW(CKR_ATTRIBUTE_VALUE_INVALID, internal, kKeep),
    COFFER_ROW(CKR_ACTION_PROHIBITED, internal, kKeep),
    COFFER_ROW(CKR_DATA_INVALID, internal, kKeep),
    COFFER_ROW(CKR_DATA_LEN_RANGE, internal, kKeep),
    COFFER_ROW(CKR_DEVICE_ERROR, unavailable, kReconnect),
    COFFER_ROW(CKR_DEVICE_MEMORY, unavailable, kKeep),
    COFFER_ROW(CKR_DEVICE_REMOVED, unavailable, kReconnect),
    COFFER_ROW(CKR_ENCRYPTED_DATA_INVALID, corrupt, kKeep),
    COFFER_ROW(CKR_ENCRYPTED_DATA_LEN_RANGE, corrupt, kKeep),
    COFFER_ROW(CKR_FUNCTION_CANCELED, unavailable, kKeep),
    COFFER_ROW(CKR_FUNCTION_NOT_SUPPORTED, unsupported, kKeep),
    COFFER_ROW(CKR_KEY_HANDLE_INVALID, unavailable, kReconnect),
    COFFER_ROW(CKR_KEY_SIZE_RANGE, internal, kKeep),
    COFFER_ROW(CKR_KEY_TYPE_INCONSISTENT, internal, kKeep),
    COFFER_ROW(CKR_KEY_CHANGED, internal, kKeep),
    COFFER_ROW(CKR_KEY_FUNCTION_NOT_PERMITTED, internal, kKeep),
    COFFER_ROW(CKR_KEY_NOT_WRAPPABLE, internal, kKeep),
    COFFER_ROW(CKR_KEY_UNEXTRACTABLE, internal, kKeep),
    // SoftHSM also answers this for a key object whose file was cut short by a crash.
    COFFER_ROW(CKR_MECHANISM_INVALID, unsupported, kKeep),
    COFFER_ROW(CKR_MECHANISM_PARAM_INVALID, internal, kKeep),
    COFFER_ROW(CKR_OBJECT_HANDLE_INVALID, unavailable, kReconnect),
    COFFER_ROW(CKR_OPERATION_ACTIVE, unavailable, kReconnect),
    COFFER_ROW(CKR_OPERATION_NOT_INITIALIZED, unavailable, kReconnect),
    COFFER_ROW(CKR_PIN_INCORRECT, permission_denied, kKeep),
    COFFER_ROW(CKR_PIN_INVALID, invalid_argument, kKeep),
    COFFER_ROW(CKR_PIN_LEN_RANGE, invalid_argument, kKeep),
    COFFER_ROW(CKR_PIN_EXPIRED, permission_denied, kKeep),
    COFFER_ROW(CKR_PIN_LOCKED, permission_denied, kKeep),
    COFFER_ROW(CKR_SESSION_CLOSED, unavailable, kReconnect),
    COFFER_ROW(CKR_SESSION_COUNT, unavailable, kKeep),
    COFFER_ROW(CKR_SESSION_HANDLE_INVALID, unavailable, kReconnect),
    COFFER_ROW(CKR_SESSION_READ_ONLY, internal, kKeep),
    COFFER_ROW(CKR_SESSION_EXISTS, internal, kKeep),
    COFFER_ROW(CKR_TEMPLATE_INCOMPLETE, internal, kKeep),
    COFFER_ROW(CKR_TEMPLATE_INCONSISTENT, internal, kKeep),
    COFFER_ROW(CKR_TOKEN_NOT_PRESENT, unavailable, kReconnect),
    COFFER_ROW(CKR_TOKEN_NOT_RECOGNIZED, unavailable, kReconnect),
    COFFER_ROW(CKR_TOKEN_WRITE_PROTECTED, unavailable, kKeep),
    COFFER_ROW(CKR_UNWRAPPING_KEY_HANDLE_INVALID, unavailable, kReconnect),
    COFFER_ROW(CKR_UNWRAPPING_KEY_SIZE_RANGE, internal, kKeep),
    COFFER_ROW(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, internal, kKeep),
    COFFER_ROW(CKR_USER_ALREADY_LOGGED_IN, internal, kKeep),
    COFFER_ROW(CKR_USER_NOT_LOGGED_IN, unavailable, kReconnect),
    COFFER_ROW(CKR_USER_PIN_NOT_INITIALIZED, permission_denied, kKeep),
    COFFER_ROW(CKR_USER_TYPE_INVALID, internal, kKeep),
    COFFER_ROW(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, unavailable, kReconnect),
    COFFER_ROW(CKR_WRAPPED_KEY_INVALID, corrupt, kKeep),
    COFFER_ROW(CKR_WRAPPED_KEY_LEN_RANGE, corrupt, kKeep),
    COFFER_ROW(CKR_WRAPPING_KEY_HANDLE_INVALID, unavailable, kReconnect),
    COFFER_ROW(CKR_WRAPPING_KEY_SIZE_RANGE, internal, kKeep),
    COFFER_ROW(CKR_WRAPPING_KEY_TYPE_INCONSISTENT, internal, kKeep),
    COFFER_ROW(CKR_BUFFER_TOO_SMALL, internal, kKeep),
    // The module was finalised under us.
    COFFER_ROW(CKR_CRYPTOKI_NOT_INITIALIZED, unavailable, kReconnect),
    COFFER_ROW(CKR_CRYPTOKI_ALREADY_INITIALIZED, internal, kKeep),
    COFFER_ROW(CKR_MUTEX_BAD, internal, kKeep),
    COFFER_ROW(CKR_PIN_TOO_WEAK, invalid_argument, kKeep),
    COFFER_ROW(CKR_FUNCTION_REJECTED, unavailable, kKeep),
};
#undef COFFER_ROW

constexpr bool by_number(const Pkcs11Code& a, const Pkcs11Code& b) {
  return a.rv < b.rv;
}
static_assert(std::is_sorted(std::begin(kCodes), std::end(kCodes), by_number));

}  // namespace

Pkcs11Code pkcs11_code(CK_RV rv) noexcept {
  const auto* row = std::find_if(std::begin(kCodes), std::end(kCodes),
                                 [rv](const Pkcs11Code& code) { return code.rv == rv; });
  if (row != std::end(kCodes)) return *row;
  if (rv >= CKR_VENDOR_DEFINED) return {rv, "a vendor's code", unavailable, kReconnect};
  return {rv, "an unknown code", internal, kKeep};
}

Error pkcs11_error(std::string_view module, std::string_view call, CK_RV rv) {
  const auto code = pkcs11_code(rv);
  return fail(code.code, fmt::format("{}: {} failed with {} ({:#x})", module, call, code.name, rv));
}

}  // namespace coffer::hsm
