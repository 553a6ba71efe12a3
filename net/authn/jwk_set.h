// JSON Web Keys (RFC 7517; RFC 7518, 6; RFC 8037, 2) as verification keys. Public keys only. Pure.
#pragma once

#include <string_view>

#include "events/json/json_value.h"
#include "net/authn/verification_key.h"

namespace coffer::authn {

inline constexpr std::size_t kJwksBytesMax = 256 * 1024;
inline constexpr std::size_t kKeysMax = 100;
inline constexpr std::size_t kKidBytesMax = 256;

// One key. Errors: invalid_argument, when it is not for checking signatures (`use`, `key_ops`), of
// a type, curve, size or algorithm that is not used here, holds a private part, or is broken.
[[nodiscard]] Result<VerificationKey> parse_jwk(const json::Value& jwk);

struct ParsedKeySet {
  KeySet keys;
  std::size_t skipped = 0;  // members that are no key for us
};
// A set `{"keys": [...]}`. A member that parse_jwk refuses is skipped, as RFC 7517, 5 asks, so that
// an issuer may publish keys of other kinds. A set without any usable key is not an error here.
// Errors: too_large (bytes, keys), invalid_argument (no such object, duplicate members).
[[nodiscard]] Result<ParsedKeySet> parse_jwks(std::string_view text);

}  // namespace coffer::authn
