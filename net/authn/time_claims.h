// exp, nbf and iat (RFC 7519, 2 "NumericDate") with the leeways of Vault's JWT method. Private to
// this folder; check_claims and end_of_token are its callers. Pure.
#pragma once

#include "net/authn/claim_rules.h"

namespace coffer::authn {

// What a token's time claims mean, before the clock skew.
struct TokenTimes {
  Timestamp start;  // nbf, or what stands for it
  Timestamp end;    // exp, or what stands for it
  std::optional<Timestamp> issued_at;
};

// Fractions count to the nanosecond, as far as a double holds them. Refusals: no_time; bad_time for
// what is no number, negative, or after the year 9999.
[[nodiscard]] Judged<TokenTimes> times_of(const json::Value& claims, const Leeways& leeways);

// The skew to allow: the default for 0, none for a negative one.
[[nodiscard]] Seconds effective_clock_skew(const Leeways& leeways) noexcept;

}  // namespace coffer::authn
