#include "tests/authn/token_forge.h"

#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <map>

#include <fmt/format.h>

#include "net/authn/base64url.h"

namespace coffer::test {
namespace {

using authn::Algorithm;
using authn::base64url_encode;
using authn::KeyHandle;

KeyHandle make(ForgeKey key) {
  switch (key) {
    case ForgeKey::rsa:
    case ForgeKey::rsa_other:
      return KeyHandle(EVP_RSA_gen(2048));
    case ForgeKey::rsa_small:
      return KeyHandle(EVP_RSA_gen(1024));
    case ForgeKey::p256:
    case ForgeKey::p256_other:
      return KeyHandle(EVP_EC_gen("P-256"));
    case ForgeKey::p384:
      return KeyHandle(EVP_EC_gen("P-384"));
    case ForgeKey::p521:
      return KeyHandle(EVP_EC_gen("P-521"));
    case ForgeKey::ed25519:
    case ForgeKey::ed25519_other:
      return KeyHandle(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return nullptr;
}

const EVP_MD* digest_of(Algorithm algorithm) {
  const std::string_view name = to_string(algorithm);
  if (name.ends_with("256")) return EVP_sha256();
  if (name.ends_with("384")) return EVP_sha384();
  return name.ends_with("512") ? EVP_sha512() : nullptr;
}

Bytes to_raw(const Bytes& der, std::size_t coordinate) {
  const unsigned char* at = der.data();
  const authn::EcdsaSignature pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  COFFER_CHECK(pair != nullptr);
  Bytes raw(2 * coordinate);
  const int size = static_cast<int>(coordinate);
  COFFER_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), raw.data(), size) == size);
  COFFER_CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), raw.data() + coordinate, size) == size);
  return raw;
}

std::string number(EVP_PKEY* key, const char* name, int size) {
  BIGNUM* value = nullptr;
  COFFER_CHECK(EVP_PKEY_get_bn_param(key, name, &value) == 1);
  const authn::Number owned(value);
  Bytes bytes(static_cast<std::size_t>(size == 0 ? BN_num_bytes(value) : size));
  COFFER_CHECK(BN_bn2binpad(value, bytes.data(), static_cast<int>(bytes.size())) >= 0);
  return base64url_encode(bytes);
}

}  // namespace

EVP_PKEY* key_of(ForgeKey key) {
  static std::map<ForgeKey, KeyHandle> keys;
  KeyHandle& made = keys[key];
  if (made == nullptr) made = make(key);
  COFFER_CHECK(made != nullptr);
  return made.get();
}

ForgeKey key_for(Algorithm algorithm) {
  switch (authn::key_type_of(algorithm)) {
    case authn::KeyType::rsa:
      return ForgeKey::rsa;
    case authn::KeyType::p256:
      return ForgeKey::p256;
    case authn::KeyType::p384:
      return ForgeKey::p384;
    case authn::KeyType::p521:
      return ForgeKey::p521;
    case authn::KeyType::ed25519:
      return ForgeKey::ed25519;
  }
  return ForgeKey::rsa;
}

std::string public_pem(ForgeKey key) {
  const authn::Source memory(BIO_new(BIO_s_mem()));
  COFFER_CHECK(PEM_write_bio_PUBKEY(memory.get(), key_of(key)) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string public_jwk(ForgeKey key, std::string_view members) {
  EVP_PKEY* handle = key_of(key);
  const std::string more = members.empty() ? std::string() : fmt::format(",{}", members);
  if (EVP_PKEY_is_a(handle, "RSA") == 1)
    return fmt::format(R"({{"kty":"RSA","n":"{}","e":"{}"{}}})",
                       number(handle, OSSL_PKEY_PARAM_RSA_N, 0),
                       number(handle, OSSL_PKEY_PARAM_RSA_E, 0), more);
  if (EVP_PKEY_is_a(handle, "EC") == 1) {
    const int bits = EVP_PKEY_get_bits(handle);
    const int size = (bits + 7) / 8;
    return fmt::format(R"({{"kty":"EC","crv":"P-{}","x":"{}","y":"{}"{}}})", bits,
                       number(handle, OSSL_PKEY_PARAM_EC_PUB_X, size),
                       number(handle, OSSL_PKEY_PARAM_EC_PUB_Y, size), more);
  }
  Bytes raw(32);
  std::size_t size = raw.size();
  COFFER_CHECK(EVP_PKEY_get_raw_public_key(handle, raw.data(), &size) == 1);
  return fmt::format(R"({{"kty":"OKP","crv":"Ed25519","x":"{}"{}}})", base64url_encode(raw), more);
}

authn::VerificationKey verification_key(ForgeKey key, const std::string& kid) {
  EVP_PKEY_up_ref(key_of(key));
  auto made = authn::VerificationKey::make(KeyHandle(key_of(key)));
  made.value().set_kid(kid);
  return made.value();
}

Bytes sign(ForgeKey key, Algorithm algorithm, std::string_view text) {
  return sign_with(key, algorithm, text, {});
}

Bytes sign_with(ForgeKey key, Algorithm algorithm, std::string_view text,
                const SignOptions& options) {
  const authn::DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  COFFER_CHECK(EVP_DigestSignInit(context.get(), &key_context, digest_of(algorithm), nullptr,
                                  key_of(key)) == 1);
  if (to_string(algorithm).starts_with("PS")) {
    EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(
        key_context, options.pss_salt < 0 ? RSA_PSS_SALTLEN_DIGEST : options.pss_salt);
  }
  const BytesView bytes = as_bytes(text);
  std::size_t size = 0;
  COFFER_CHECK(EVP_DigestSign(context.get(), nullptr, &size, bytes.data(), bytes.size()) == 1);
  Bytes signature(size);
  COFFER_CHECK(EVP_DigestSign(context.get(), signature.data(), &size, bytes.data(), bytes.size()) ==
               1);
  signature.resize(size);
  if (EVP_PKEY_is_a(key_of(key), "EC") == 0 || options.der) return signature;
  return to_raw(signature, static_cast<std::size_t>((EVP_PKEY_get_bits(key_of(key)) + 7) / 8));
}

Bytes hmac(std::string_view secret, std::string_view text) {
  Bytes out(32);
  const BytesView bytes = as_bytes(text);
  COFFER_CHECK(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes.data(),
                    bytes.size(), out.data(), nullptr) != nullptr);
  return out;
}

std::string signed_part(std::string_view header, std::string_view claims) {
  return base64url_encode(as_bytes(header)) + "." + base64url_encode(as_bytes(claims));
}

std::string join(std::string_view header, std::string_view claims, BytesView signature) {
  return signed_part(header, claims) + "." + base64url_encode(signature);
}

std::string forge(ForgeKey key, Algorithm algorithm, std::string_view header,
                  std::string_view claims) {
  return join(header, claims, sign(key, algorithm, signed_part(header, claims)));
}

}  // namespace coffer::test
