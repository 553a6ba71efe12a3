// Public keys that may check tokens, and sets of them. A key is made from a JWK (jwk_set.h) or PEM
// (pem_keys.h) and never changes; copies share the OpenSSL key, which is safe to use from many
// threads at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/result.h"
#include "net/authn/algorithm.h"
#include "net/authn/openssl_handles.h"
#include "net/authn/token_fault.h"

namespace coffer::authn {

inline constexpr int kRsaBitsMin = 2048;
inline constexpr int kRsaBitsMax = 8192;  // a larger one only costs time
// Keys of one set that may be tried for one token: bounds the work that a token can ask for.
inline constexpr std::size_t kCandidatesMax = 8;

class VerificationKey {
 public:
  // Takes a public key of OpenSSL. Errors: invalid_argument for a type, curve or size that no
  // algorithm here uses.
  static Result<VerificationKey> make(KeyHandle key);

  [[nodiscard]] KeyType type() const noexcept { return type_; }
  [[nodiscard]] EVP_PKEY* handle() const noexcept { return key_.get(); }
  // Empty: the key has no name and fits every `kid`.
  [[nodiscard]] const std::string& kid() const noexcept { return kid_; }
  void set_kid(std::string kid) { kid_ = std::move(kid); }
  // Restricts the key to one algorithm, as `alg` of a JWK does.
  void set_algorithm(Algorithm algorithm) noexcept { algorithm_ = algorithm; }
  [[nodiscard]] bool can_check(Algorithm algorithm) const noexcept {
    return key_type_of(algorithm) == type_ && (!algorithm_ || *algorithm_ == algorithm);
  }

 private:
  VerificationKey(KeyHandle key, KeyType type) : key_(std::move(key)), type_(type) {}

  std::shared_ptr<EVP_PKEY> key_;
  KeyType type_;
  std::string kid_;
  std::optional<Algorithm> algorithm_;
};

class KeySet {
 public:
  KeySet() = default;
  explicit KeySet(std::vector<VerificationKey> keys) : keys_(std::move(keys)) {}

  [[nodiscard]] const std::vector<VerificationKey>& keys() const noexcept { return keys_; }
  [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }
  // The keys that a token may have been signed with. A `kid` is a hint, never an address: with one,
  // keys of another name are left out; without one (no value), every key that can check the
  // algorithm is tried. Refusals: unknown_key, key_mismatch, ambiguous_key. Pointers live as long
  // as the set.
  [[nodiscard]] Judged<std::vector<const VerificationKey*>> candidates(
      const std::optional<std::string>& kid, Algorithm algorithm) const;

 private:
  std::vector<VerificationKey> keys_;
};

using KeySetPtr = std::shared_ptr<const KeySet>;

// True when one of the keys made `signature` over `signed_text`. ES signatures are r || s of
// exactly twice the field's size; PS takes a salt of exactly the digest's size and MGF1 of the same
// digest. Precondition: the key can check the algorithm. Never throws; any other signature is
// false.
[[nodiscard]] bool verify_signature(const VerificationKey& key, Algorithm algorithm,
                                    std::string_view signed_text, BytesView signature);

}  // namespace coffer::authn
