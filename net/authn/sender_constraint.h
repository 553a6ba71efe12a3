// Mutual-TLS sender constraint of a token (RFC 8705, 3.1): `cnf.x5t#S256` is the SHA-256 of the
// client certificate's DER. Pure.
#pragma once

#include "events/base/bytes.h"
#include "events/json/json_value.h"
#include "net/authn/token_fault.h"

namespace coffer::authn {

enum class Binding : std::uint8_t {
  if_present,  // a token without `cnf` is a bearer token
  demanded,
};

// `client_certificate` is the DER of the certificate that the TLS layer verified; empty when there
// was none. A token that is bound by anything else (`jkt`, `jwk`, ...) is refused, not taken for a
// bearer token. Refusals: not_bound, unsupported_binding, malformed_claims, certificate_missing,
// certificate_mismatch.
[[nodiscard]] Judged<Accepted> check_sender(const json::Value& claims, Binding binding,
                                            BytesView client_certificate);

}  // namespace coffer::authn
