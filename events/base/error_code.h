// The one list of error codes of the request path. A code exists only where some caller reacts
// differently to it. Codes below `internal` are the caller's mistake, the others are ours.
#pragma once

#include <cstdint>
#include <string_view>

namespace coffer {

enum class ErrorCode : std::uint8_t {
  // The caller's mistake.
  invalid_argument,   // a field, path or body that can never be accepted: 400
  permission_denied,  // no, unknown or insufficient credential: 403
  not_found,          // nothing there: 404
  already_exists,     // the name is taken: 400 or 409 by interface
  cas_mismatch,       // check-and-set compared unequal
  cas_required,       // check-and-set parameter missing
  unsupported,        // operation not supported on this path: 405
  too_large,          // size, depth or count bound exceeded: 413 or 400
  quota_exceeded,     // the tenant's own limit: 429
  // Ours.
  internal,         // broken invariant or unexpected library failure: 500
  sealed,           // the service is sealed: 503
  not_initialized,  // no vault has been created yet
  unavailable,      // HSM, disk or broker not usable now, a later try may work: 503
  overloaded,       // bounded queue is full: 503 with Retry-After
  corrupt,          // stored bytes do not verify; the stream is stopped: 500
  unknown_outcome,  // a write may or may not have become durable: 500
};

[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;

// True when repeating the same request cannot help because the request itself is wrong.
[[nodiscard]] constexpr bool is_callers_mistake(ErrorCode code) noexcept {
  return code < ErrorCode::internal;
}

}  // namespace coffer
