#include "net/authn/jwk_set.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>

#include "net/authn/base64url.h"

namespace coffer::authn {
namespace {

constexpr std::size_t kExponentBytesMax = 8;
constexpr json::ParseLimits kLimits{
    .depth_max = 8, .nodes_max = 20'000, .strings_max = 0, .unique_keys = true};
// What makes a key private or symmetric (RFC 7518, 6.2.2, 6.3.2, 6.4.1).
constexpr std::array<std::string_view, 8> kPrivateMembers = {"d",  "p",  "q",   "dp",
                                                             "dq", "qi", "oth", "k"};

using Parameters = OpensslHandle<OSSL_PARAM, OSSL_PARAM_free>;
using ParameterBuilder = OpensslHandle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;

Error broken(const char* what) {
  return fail(ErrorCode::invalid_argument, what);
}

// The bytes of a base64url member; empty when absent or broken.
Bytes bytes_of(const json::Value& jwk, std::string_view name) {
  const json::Value* member = jwk.find(name);
  if (member == nullptr || !member->is_string()) return {};
  return base64url_decode(member->text()).value_or(Bytes{});
}

KeyHandle key_from(const char* type, OSSL_PARAM* parameters) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || parameters == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
    return nullptr;
  return KeyHandle(key);
}

KeyHandle rsa_key(const json::Value& jwk) {
  const Bytes n = bytes_of(jwk, "n");
  const Bytes e = bytes_of(jwk, "e");
  if (n.empty() || n.size() > kRsaBitsMax / 8 + 1 || e.empty() || e.size() > kExponentBytesMax)
    return nullptr;
  const Number modulus(BN_bin2bn(n.data(), static_cast<int>(n.size()), nullptr));
  const Number exponent(BN_bin2bn(e.data(), static_cast<int>(e.size()), nullptr));
  if (modulus == nullptr || exponent == nullptr || !BN_is_odd(modulus.get()) ||
      !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()))
    return nullptr;
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return nullptr;
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  return key_from("RSA", parameters.get());
}

struct Curve {
  std::string_view name;
  const char* group;
  std::size_t coordinate_bytes;
};
constexpr std::array<Curve, 3> kCurves{
    {{"P-256", SN_X9_62_prime256v1, 32}, {"P-384", SN_secp384r1, 48}, {"P-521", SN_secp521r1, 66}}};

KeyHandle ec_key(const json::Value& jwk) {
  const json::Value* name = jwk.find("crv");
  if (name == nullptr || !name->is_string()) return nullptr;
  const auto curve = std::ranges::find(kCurves, name->text(), &Curve::name);
  if (curve == kCurves.end()) return nullptr;
  const Bytes x = bytes_of(jwk, "x");
  const Bytes y = bytes_of(jwk, "y");
  if (x.size() != curve->coordinate_bytes || y.size() != curve->coordinate_bytes) return nullptr;
  Bytes point{POINT_CONVERSION_UNCOMPRESSED};
  append(point, x);
  append(point, y);
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1)
    return nullptr;
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  KeyHandle key = key_from("EC", parameters.get());
  if (key == nullptr) return nullptr;
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1) return nullptr;
  return key;
}

KeyHandle ed25519_key(const json::Value& jwk) {
  const json::Value* name = jwk.find("crv");
  const Bytes x = bytes_of(jwk, "x");
  if (name == nullptr || !name->is_string() || name->text() != "Ed25519" || x.size() != 32)
    return nullptr;
  return KeyHandle(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, x.data(), x.size()));
}

// `use` and `key_ops`, where present, must name the checking of signatures.
bool is_for_verification(const json::Value& jwk) {
  if (const json::Value* use = jwk.find("use")) {
    if (!use->is_string() || use->text() != "sig") return false;
  }
  const json::Value* operations = jwk.find("key_ops");
  if (operations == nullptr) return true;
  return operations->is_array() &&
         std::ranges::any_of(operations->items(), [](const json::Value* operation) {
           return operation->is_string() && operation->text() == "verify";
         });
}

Result<KeyHandle> make_key(const json::Value& jwk) {
  const json::Value* type = jwk.find("kty");
  if (type == nullptr || !type->is_string()) return broken("a JWK without kty");
  KeyHandle key;
  if (type->text() == "RSA") {
    key = rsa_key(jwk);
  } else if (type->text() == "EC") {
    key = ec_key(jwk);
  } else if (type->text() == "OKP") {
    key = ed25519_key(jwk);
  } else {
    return broken("a JWK of an unknown kty");
  }
  if (key == nullptr) return broken("a JWK with a broken or unknown public key");
  return key;
}

}  // namespace

Result<VerificationKey> parse_jwk(const json::Value& jwk) {
  const DropErrors drop;
  if (!jwk.is_object()) return broken("a JWK that is no object");
  for (const std::string_view name : kPrivateMembers) {
    if (jwk.find(name) != nullptr) return broken("a JWK that is not a public key");
  }
  if (!is_for_verification(jwk)) return broken("a JWK that is not for signatures");
  COFFER_ASSIGN(KeyHandle handle, make_key(jwk));
  COFFER_ASSIGN(VerificationKey key, VerificationKey::make(std::move(handle)));
  if (const json::Value* name = jwk.find("alg")) {
    const auto algorithm =
        name->is_string() ? parse_algorithm(name->text()) : std::optional<Algorithm>();
    if (!algorithm || !key.can_check(*algorithm)) return broken("a JWK of an unknown alg");
    key.set_algorithm(*algorithm);
  }
  if (const json::Value* kid = jwk.find("kid")) {
    if (!kid->is_string() || kid->text().size() > kKidBytesMax) return broken("a JWK's broken kid");
    key.set_kid(std::string(kid->text()));
  }
  return key;
}

Result<ParsedKeySet> parse_jwks(std::string_view text) {
  if (text.size() > kJwksBytesMax) return fail(ErrorCode::too_large, "the key set is too large");
  COFFER_ASSIGN(const json::Document document, json::Document::parse(text, kLimits));
  const json::Value* members = document.root().find("keys");
  if (members == nullptr || !members->is_array()) return broken("not a JSON Web Key Set");
  if (members->items().size() > kKeysMax)
    return fail(ErrorCode::too_large, "the key set has too many keys");
  ParsedKeySet parsed;
  std::vector<VerificationKey> keys;
  for (const json::Value* member : members->items()) {
    auto key = parse_jwk(*member);
    if (key)
      keys.push_back(std::move(*key));
    else
      ++parsed.skipped;
  }
  parsed.keys = KeySet(std::move(keys));
  return parsed;
}

}  // namespace coffer::authn
