// Public keys out of PEM text: `PUBLIC KEY` (SubjectPublicKeyInfo), `RSA PUBLIC KEY` (PKCS#1) and
// `CERTIFICATE`, of which only the key is taken: its owner configured it, so its dates and issuer
// say nothing here. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "net/authn/verification_key.h"

namespace coffer::authn {

inline constexpr std::size_t kPemBytesMax = 64 * 1024;

// Every key of the text, in its order, without names. Errors: too_large; invalid_argument when
// there is none, when one is of an unsupported type or size, or when there is a private key.
[[nodiscard]] Result<std::vector<VerificationKey>> parse_pem_keys(std::string_view text);

}  // namespace coffer::authn
