// Signs tokens, right ones and wrong ones, with real keys of OpenSSL. The keys are made once per
// process.
#pragma once

#include <string>
#include <string_view>

#include "net/authn/algorithm.h"
#include "net/authn/openssl_handles.h"
#include "net/authn/verification_key.h"

namespace coffer::test {

enum class ForgeKey {
  rsa,
  rsa_other,
  rsa_small,
  p256,
  p256_other,
  p384,
  p521,
  ed25519,
  ed25519_other
};

// Never null.
[[nodiscard]] EVP_PKEY* key_of(ForgeKey key);
[[nodiscard]] ForgeKey key_for(authn::Algorithm algorithm);
// The public half, as PEM or as the JSON of a JWK with further members (`"kid":"a"`, may be "").
[[nodiscard]] std::string public_pem(ForgeKey key);
[[nodiscard]] std::string public_jwk(ForgeKey key, std::string_view members);
// A verification key named `kid`.
[[nodiscard]] authn::VerificationKey verification_key(ForgeKey key, const std::string& kid);

// The signature over `text`, in the form that JOSE wants.
[[nodiscard]] Bytes sign(ForgeKey key, authn::Algorithm algorithm, std::string_view text);
struct SignOptions {
  int pss_salt = -1;  // bytes; -1: the digest's size
  bool der = false;   // an ES signature as OpenSSL makes it
};
[[nodiscard]] Bytes sign_with(ForgeKey key, authn::Algorithm algorithm, std::string_view text,
                              const SignOptions& options);
[[nodiscard]] Bytes hmac(std::string_view secret, std::string_view text);  // SHA-256

// "header.claims.signature" of raw JSON texts.
[[nodiscard]] std::string join(std::string_view header, std::string_view claims,
                               BytesView signature);
[[nodiscard]] std::string signed_part(std::string_view header, std::string_view claims);
// A signed token.
[[nodiscard]] std::string forge(ForgeKey key, authn::Algorithm algorithm, std::string_view header,
                                std::string_view claims);

}  // namespace coffer::test
