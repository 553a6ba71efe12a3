// verify_signature of verification_key.h, over OpenSSL's EVP alone.
#include <openssl/rsa.h>

#include "net/authn/verification_key.h"

namespace coffer::authn {
namespace {

const EVP_MD* digest_of(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::rs256:
    case Algorithm::ps256:
    case Algorithm::es256:
      return EVP_sha256();
    case Algorithm::rs384:
    case Algorithm::ps384:
    case Algorithm::es384:
      return EVP_sha384();
    case Algorithm::rs512:
    case Algorithm::ps512:
    case Algorithm::es512:
      return EVP_sha512();
    case Algorithm::eddsa:
      return nullptr;  // hashes by itself
  }
  return nullptr;
}

bool is_pss(Algorithm algorithm) noexcept {
  return algorithm == Algorithm::ps256 || algorithm == Algorithm::ps384 ||
         algorithm == Algorithm::ps512;
}

// Bytes of r and of s; 0 for a key that has none.
std::size_t coordinate_bytes(KeyType type) noexcept {
  switch (type) {
    case KeyType::p256:
      return 32;
    case KeyType::p384:
      return 48;
    case KeyType::p521:
      return 66;
    case KeyType::rsa:
    case KeyType::ed25519:
      return 0;
  }
  return 0;
}

// r || s (RFC 7518, 3.4) as the DER that OpenSSL reads; empty when the length is wrong.
Bytes to_der(BytesView signature, std::size_t coordinate) {
  if (signature.size() != 2 * coordinate) return {};
  Number r(BN_bin2bn(signature.data(), static_cast<int>(coordinate), nullptr));
  Number s(BN_bin2bn(signature.data() + coordinate, static_cast<int>(coordinate), nullptr));
  const EcdsaSignature pair(ECDSA_SIG_new());
  if (r == nullptr || s == nullptr || pair == nullptr) return {};
  if (ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release());  // the pair's now
  static_cast<void>(s.release());
  const int size = i2d_ECDSA_SIG(pair.get(), nullptr);
  if (size <= 0) return {};
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* end = der.data();
  i2d_ECDSA_SIG(pair.get(), &end);
  return der;
}

bool set_padding(EVP_PKEY_CTX* context, Algorithm algorithm) {
  if (!is_pss(algorithm)) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  const EVP_MD* digest = digest_of(algorithm);
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1;
}

}  // namespace

bool verify_signature(const VerificationKey& key, Algorithm algorithm, std::string_view signed_text,
                      BytesView signature) {
  COFFER_CHECK(key.can_check(algorithm));
  const DropErrors drop;
  Bytes der;
  if (const std::size_t coordinate = coordinate_bytes(key.type()); coordinate != 0) {
    der = to_der(signature, coordinate);
    if (der.empty()) return false;
    signature = der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;  // belongs to `context`
  if (context == nullptr || EVP_DigestVerifyInit(context.get(), &key_context, digest_of(algorithm),
                                                 nullptr, key.handle()) != 1)
    return false;
  if (key.type() == KeyType::rsa && !set_padding(key_context, algorithm)) return false;
  const BytesView text = as_bytes(signed_text);
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), text.data(),
                          text.size()) == 1;
}

}  // namespace coffer::authn
