#include "events/base/error_code.h"

namespace coffer {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::permission_denied:
      return "permission_denied";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::cas_mismatch:
      return "cas_mismatch";
    case ErrorCode::cas_required:
      return "cas_required";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::quota_exceeded:
      return "quota_exceeded";
    case ErrorCode::internal:
      return "internal";
    case ErrorCode::sealed:
      return "sealed";
    case ErrorCode::not_initialized:
      return "not_initialized";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::overloaded:
      return "overloaded";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::unknown_outcome:
      return "unknown_outcome";
  }
  return "unknown";
}

}  // namespace coffer
