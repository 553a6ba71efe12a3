#include "net/authn/verification_key.h"

#include <openssl/core_names.h>

namespace coffer::authn {
namespace {

std::optional<KeyType> type_of_curve(EVP_PKEY* key) {
  char name[64];
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &size) != 1) return std::nullopt;
  const std::string_view curve(name, size);
  if (curve == SN_X9_62_prime256v1) return KeyType::p256;
  if (curve == SN_secp384r1) return KeyType::p384;
  if (curve == SN_secp521r1) return KeyType::p521;
  return std::nullopt;
}

}  // namespace

Result<VerificationKey> VerificationKey::make(KeyHandle key) {
  const DropErrors drop;
  if (key == nullptr) return fail(ErrorCode::invalid_argument, "not a public key");
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    const int bits = EVP_PKEY_get_bits(key.get());
    if (bits < kRsaBitsMin || bits > kRsaBitsMax)
      return fail(ErrorCode::invalid_argument, "an RSA key must have 2048 to 8192 bits");
    return VerificationKey(std::move(key), KeyType::rsa);
  }
  if (EVP_PKEY_is_a(key.get(), "EC") == 1) {
    const auto type = type_of_curve(key.get());
    if (!type) return fail(ErrorCode::invalid_argument, "the curve must be P-256, P-384 or P-521");
    return VerificationKey(std::move(key), *type);
  }
  if (EVP_PKEY_is_a(key.get(), "ED25519") == 1)
    return VerificationKey(std::move(key), KeyType::ed25519);
  return fail(ErrorCode::invalid_argument, "the key must be RSA, P-256, P-384, P-521 or Ed25519");
}

Judged<std::vector<const VerificationKey*>> KeySet::candidates(
    const std::optional<std::string>& kid, Algorithm algorithm) const {
  std::vector<const VerificationKey*> found;
  bool is_named = false;
  for (const VerificationKey& key : keys_) {
    if (kid && !key.kid().empty()) {
      if (key.kid() != *kid) continue;
      is_named = true;
    }
    if (key.can_check(algorithm)) found.push_back(&key);
  }
  if (found.empty()) return refuse(is_named ? TokenFault::key_mismatch : TokenFault::unknown_key);
  if (found.size() > kCandidatesMax) return refuse(TokenFault::ambiguous_key);
  return found;
}

}  // namespace coffer::authn
