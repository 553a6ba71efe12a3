#include "net/authn/token_fault.h"

#include <fmt/format.h>

namespace coffer::authn {
namespace {

struct Text {
  std::string_view name;
  std::string_view sentence;  // `{}` takes the subject
};

// No default: a new fault is a compiler error here.
Text text_of(TokenFault fault) noexcept {
  switch (fault) {
    case TokenFault::too_large:
      return {"too_large", "token is too large"};
    case TokenFault::malformed_token:
      return {"malformed_token", "malformed token"};
    case TokenFault::malformed_header:
      return {"malformed_header", "malformed token header"};
    case TokenFault::malformed_claims:
      return {"malformed_claims", "malformed token claims"};
    case TokenFault::unsupported_algorithm:
      return {"unsupported_algorithm", "token signed with unsupported algorithm"};
    case TokenFault::critical_header:
      return {"critical_header", "token demands an extension that is not supported"};
    case TokenFault::embedded_key:
      return {"embedded_key", "token brings its own key"};
    case TokenFault::wrong_type:
      return {"wrong_type", "token is not of the expected type"};
    case TokenFault::unknown_key:
      return {"unknown_key", "no known key successfully validated the token signature"};
    case TokenFault::key_mismatch:
      return {"key_mismatch", "the token's key is not for its algorithm"};
    case TokenFault::ambiguous_key:
      return {"ambiguous_key", "too many keys fit the token"};
    case TokenFault::bad_signature:
      return {"bad_signature", "no known key successfully validated the token signature"};
    case TokenFault::no_time:
      return {"no_time",
              "no issued at (iat), not before (nbf), or expiration time (exp) claims in token"};
    case TokenFault::bad_time:
      return {"bad_time", "claim \"{}\" is not a valid time"};
    case TokenFault::expired:
      return {"expired", "invalid expiration time (exp) claim: token is expired"};
    case TokenFault::not_yet_valid:
      return {"not_yet_valid", "invalid not before (nbf) claim: token not yet valid"};
    case TokenFault::issued_in_future:
      return {"issued_in_future", "invalid issued at (iat) claim: token issued in the future"};
    case TokenFault::wrong_issuer:
      return {"wrong_issuer", "invalid issuer (iss) claim"};
    case TokenFault::wrong_subject:
      return {"wrong_subject", "invalid subject (sub) claim"};
    case TokenFault::wrong_audience:
      return {"wrong_audience", "invalid audience (aud) claim"};
    case TokenFault::unbound_audience:
      return {"unbound_audience", "audience claim found in JWT but no audiences bound to the role"};
    case TokenFault::claim_missing:
      return {"claim_missing", "claim \"{}\" is missing"};
    case TokenFault::claim_type:
      return {"claim_type", "claim \"{}\" has a type that cannot be used"};
    case TokenFault::claim_mismatch:
      return {"claim_mismatch", "claim \"{}\" does not match any associated bound claim values"};
    case TokenFault::not_bound:
      return {"not_bound", "token is not bound to a client certificate"};
    case TokenFault::unsupported_binding:
      return {"unsupported_binding", "token is bound by a method that is not supported"};
    case TokenFault::certificate_missing:
      return {"certificate_missing", "token is bound to a client certificate"};
    case TokenFault::certificate_mismatch:
      return {"certificate_mismatch", "token is bound to another client certificate"};
  }
  return {"unknown", "token refused"};
}

}  // namespace

std::string_view to_string(TokenFault fault) noexcept {
  return text_of(fault).name;
}

std::string describe(const Refusal& refusal) {
  return fmt::format(fmt::runtime(text_of(refusal.fault).sentence), refusal.subject);
}

Error to_error(const Refusal& refusal) {
  return fail(ErrorCode::invalid_argument, describe(refusal));
}

}  // namespace coffer::authn
