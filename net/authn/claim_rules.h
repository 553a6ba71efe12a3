// What the claims of a verified token must say, by the rules of Vault's JWT method, and who they
// say the caller is. Pure: time comes in as a value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/base/time.h"
#include "events/json/json_value.h"
#include "net/authn/token_fault.h"

namespace coffer::authn {

// As a role stores them: 0 is the default (150 s, 150 s, 60 s), a negative one is none.
struct Leeways {
  Seconds expiration;  // added to the start of a token without exp
  Seconds not_before;  // taken from the end of a token without nbf and iat
  Seconds clock_skew;  // both ways, for every time claim
};

// A scalar that a bound claim is compared with.
struct ClaimScalar {
  json::Kind kind;   // string, boolean or number
  std::string text;  // "true" and "false" for a boolean; a number as written
};

// One of the values must be the claim, or in it when it is a list.
struct BoundClaim {
  std::string name;  // a member's name, or a JSON pointer when it starts with '/'
  std::vector<ClaimScalar> values;
};

struct ClaimRules {
  std::string issuer;                  // exact; empty: not checked
  std::vector<std::string> audiences;  // one of them, exact; empty: the token must name none
  std::string subject;                 // exact; empty: not checked
  std::vector<BoundClaim> bound_claims;
  bool globs = false;  // string values of bound claims: '*' stands for any text
  Leeways leeways;
};

// Checks the time claims first, then issuer, subject, audience and the bound claims.
// At least one of exp, nbf and iat must be there. Without exp the token ends the expiration leeway
// after the later of iat and nbf; without nbf it starts at iat, or the not-before leeway before
// exp. Unlike Vault, a time of 0 is a time (1970), not an absent claim. Refusals: no_time,
// bad_time, expired, not_yet_valid, issued_in_future, wrong_*, unbound_audience, claim_missing,
// claim_type, claim_mismatch; malformed_claims for an `iss`, `sub` or `aud` of the wrong type.
[[nodiscard]] Judged<Accepted> check_claims(const json::Value& claims, const ClaimRules& rules,
                                            Timestamp now);

// The instant from which check_claims refuses the token as expired, skew included; nothing when the
// token has no sensible times.
[[nodiscard]] std::optional<Timestamp> end_of_token(const json::Value& claims,
                                                    const Leeways& leeways);

struct PrincipalRules {
  std::string user_claim;
  bool user_claim_is_pointer = false;  // else a '/' in it is part of the name
  std::string groups_claim;            // as BoundClaim::name; empty: no groups
  std::vector<std::pair<std::string, std::string>> claim_mappings;  // claim -> metadata key
};

struct Principal {
  std::string user;
  std::vector<std::string> groups;                            // empty ones left out
  std::vector<std::pair<std::string, std::string>> metadata;  // absent claims left out
};

inline constexpr std::size_t kGroupsMax = 1000;

// Refusals: claim_missing (user or groups claim), claim_type (a user that is no non-empty string,
// groups that are no strings, a mapped list or object), too_large (groups).
[[nodiscard]] Judged<Principal> principal_of(const json::Value& claims,
                                             const PrincipalRules& rules);

// A claim by name, or by JSON pointer (RFC 6901) when `name` starts with '/'. Null when absent.
[[nodiscard]] const json::Value* find_claim(const json::Value& claims,
                                            std::string_view name) noexcept;

// Whether `text` is `pattern`, in which '*' stands for any text, also none. Letter case counts.
// Linear in the text for each '*'; never exponential.
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text) noexcept;

}  // namespace coffer::authn
