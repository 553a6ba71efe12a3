// Compact JWS (RFC 7515, 3.1) with a JSON object as payload, read but not yet believed: every bound
// and header rule is checked here, the signature in jwt_verifier.h. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "events/json/json_value.h"
#include "net/authn/algorithm.h"
#include "net/authn/token_fault.h"

namespace coffer::authn {

inline constexpr std::size_t kTokenBytesMax = 16 * 1024;
inline constexpr std::size_t kHeaderBytesMax = 4 * 1024;  // of its JSON

struct TokenHeader {
  Algorithm algorithm;
  std::optional<std::string> kid;
  std::optional<std::string> type;  // `typ` as written
};

struct ParsedToken {
  TokenHeader header;
  json::Document claims;         // an object; NOT verified yet
  std::string_view signed_text;  // of the token that was parsed, which must outlive this
  Bytes signature;
};

// Refusals: too_large, malformed_*, unsupported_algorithm, critical_header, embedded_key.
//
// Of the header's key members, `jwk` and `x5c` are refused: a token that brings its own key is an
// attack or a mistake. `jku`, `x5u`, `x5t` and `x5t#S256` are ignored, since real issuers send
// them, and never fetched or used to find a key (RFC 8725, 3.10). Other unknown members are
// ignored, as RFC 7515, 4 demands.
[[nodiscard]] Judged<ParsedToken> parse_token(std::string_view token);

// The issuer that an unverified token claims, to choose the keys that it is then checked with;
// empty when it names none.
[[nodiscard]] std::string_view claimed_issuer(const ParsedToken& token) noexcept;

// Whether `typ` is `wanted`: the letter case does not count, nor does a leading "application/" (RFC
// 7515, 4.1.9).
[[nodiscard]] bool is_type(const TokenHeader& header, std::string_view wanted) noexcept;

}  // namespace coffer::authn
