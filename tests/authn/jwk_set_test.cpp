// Keys from JWK, JWKS and PEM, and the published examples of RFC 7515, 7517 and 8037.
#include <doctest/doctest.h>
#include <openssl/encoder.h>
#include <openssl/pem.h>

#include <string>
#include <vector>

#include <fmt/format.h>

#include "net/authn/base64url.h"
#include "net/authn/jwk_set.h"
#include "net/authn/jwt_verifier.h"
#include "net/authn/pem_keys.h"
#include "tests/authn/token_forge.h"

namespace {

using namespace coffer;
using namespace coffer::authn;
using namespace coffer::test;

// "ok", or the refusal's words.
std::string jwk_outcome(const std::string& text) {
  auto document = json::Document::parse(text);
  REQUIRE(document.ok());
  const auto key = parse_jwk(document->root());
  return key ? "ok" : key.error().message;
}

// The public key of `key` with `from` replaced by `to`.
std::string changed(ForgeKey key, std::string_view from, std::string_view to) {
  std::string text = public_jwk(key, "");
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string member(const std::string& jwk, const std::string& name) {
  auto document = json::Document::parse(jwk);
  REQUIRE(document.ok());
  return std::string(document->root().find(name)->text());
}

constexpr const char* kRsaExample =
    R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfH)"
    R"(Qp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ4)"
    R"(7soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapH)"
    R"(g665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGN)"
    R"(j8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})";
constexpr const char* kRsaToken =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGx"
    "lLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5R"
    "Zmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrn"
    "byTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHW"
    "EsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
    "cN_IoypGlUPQGe77Rw";
constexpr const char* kEcExample =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":)"
    R"("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
constexpr const char* kEcToken =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGx"
    "lLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8I"
    "SlSApmWQxfKTUJqPP3-Kg6NU1Q";
constexpr const char* kEdExample =
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
// Its payload is plain text, so only the signature can be checked.
constexpr std::string_view kEdSigned = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
constexpr std::string_view kEdSignature =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

VerificationKey example(const char* jwk) {
  auto document = json::Document::parse(jwk);
  REQUIRE(document.ok());
  auto key = parse_jwk(document->root());
  REQUIRE(key.ok());
  return *key;
}

}  // namespace

TEST_CASE("the examples of RFC 7515 A.2, A.3 and RFC 8037 A.4 verify") {
  for (const auto& [jwk, token] : {std::pair(kRsaExample, kRsaToken), {kEcExample, kEcToken}}) {
    CAPTURE(token);
    const auto judged = verify_token(token, KeySet({example(jwk)}));
    REQUIRE(judged.ok());
    const json::Value& claims = (*judged)->claims();
    CHECK(claims.find("iss")->text() == "joe");
    CHECK(claims.find("exp")->text() == "1300819380");
    CHECK(claims.find("http://example.com/is_root")->boolean());
  }
  const Bytes signature = base64url_decode(kEdSignature).value();
  CHECK(verify_signature(example(kEdExample), Algorithm::eddsa, kEdSigned, signature));
  CHECK_FALSE(verify_signature(example(kEdExample), Algorithm::eddsa, "x", signature));
}

TEST_CASE("the key set of RFC 7517 A.1: its key for encryption is skipped") {
  const auto set = parse_jwks(
      R"({"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv)"
      R"(7D4",)"
      R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},)"
      R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT8)"
      R"(6zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArw)"
      R"(l93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6q)"
      R"(MQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xB)"
      R"(niIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",)"
      R"("e":"AQAB","alg":"RS256","kid":"2011-04-29"}]})");
  REQUIRE(set.ok());
  CHECK(set->skipped == 1);
  REQUIRE(set->keys.keys().size() == 1);
  const VerificationKey& key = set->keys.keys().front();
  CHECK(key.kid() == "2011-04-29");
  CHECK(key.can_check(Algorithm::rs256));
  CHECK_FALSE(key.can_check(Algorithm::ps256));
}

TEST_CASE("keys that no token is checked with") {
  struct Row {
    const char* name;
    std::string jwk;
    const char* expected;
  };
  const auto rsa = [](std::string_view more) { return public_jwk(ForgeKey::rsa, more); };
  const std::string x = member(public_jwk(ForgeKey::p256, ""), "x");
  const std::string y = member(public_jwk(ForgeKey::p256, ""), "y");
  constexpr const char* kBroken = "a JWK with a broken or unknown public key";
  constexpr const char* kNotPublic = "a JWK that is not a public key";
  constexpr const char* kNotForIt = "a JWK that is not for signatures";
  constexpr const char* kAlg = "a JWK of an unknown alg";
  const std::vector<Row> rows = {
      {"RSA", rsa(""), "ok"},
      {"RSA for signatures", rsa(R"("use":"sig","key_ops":["verify"],"alg":"PS512")"), "ok"},
      {"use enc", rsa(R"("use":"enc")"), kNotForIt},
      {"use of another type", rsa(R"("use":["sig"])"), kNotForIt},
      {"key_ops without verify", rsa(R"("key_ops":["encrypt","sign"])"), kNotForIt},
      {"key_ops no list", rsa(R"("key_ops":"verify")"), kNotForIt},
      {"alg of another type of key", rsa(R"("alg":"ES256")"), kAlg},
      {"alg HS256", rsa(R"("alg":"HS256")"), kAlg},
      {"alg RSA-OAEP", rsa(R"("alg":"RSA-OAEP")"), kAlg},
      {"alg no string", rsa(R"("alg":null)"), kAlg},
      {"kid no string", rsa(R"("kid":7)"), "a JWK's broken kid"},
      {"kid too long", rsa(R"("kid":")" + std::string(257, 'k') + "\""), "a JWK's broken kid"},
      {"private RSA", rsa(R"("d":"AQAB")"), kNotPublic},
      {"private EC", public_jwk(ForgeKey::p256, R"("d":"AQAB")"), kNotPublic},
      {"symmetric", R"({"kty":"oct","k":"c2VjcmV0"})", kNotPublic},
      {"unknown kty", R"({"kty":"XYZ"})", "a JWK of an unknown kty"},
      {"kty in another case", changed(ForgeKey::rsa, "RSA", "rsa"), "a JWK of an unknown kty"},
      {"no kty", R"({"n":"AQAB","e":"AQAB"})", "a JWK without kty"},
      {"no object", R"(["RSA"])", "a JWK that is no object"},
      {"RSA of 1024 bits", public_jwk(ForgeKey::rsa_small, ""),
       "an RSA key must have 2048 to 8192 bits"},
      {"RSA of 10000 bits",
       R"({"kty":"RSA","e":"AQAB","n":")" + base64url_encode(Bytes(1250, 0xff)) + "\"}", kBroken},
      {"RSA, e = 1", changed(ForgeKey::rsa, R"("e":"AQAB")", R"("e":"AQ")"), kBroken},
      {"RSA, e even", changed(ForgeKey::rsa, R"("e":"AQAB")", R"("e":"AQAC")"), kBroken},
      {"RSA, e of 9 bytes", changed(ForgeKey::rsa, R"("e":"AQAB")", R"("e":"AQAAAAAAAAAB")"),
       kBroken},
      {"RSA, no e", changed(ForgeKey::rsa, R"("e":)", R"("f":)"), kBroken},
      {"RSA, n padded", changed(ForgeKey::rsa, R"(","e")", R"(=","e")"), kBroken},
      {"RSA, n even",
       R"({"kty":"RSA","e":"AQAB","n":")" + base64url_encode(Bytes(256, 0xfe)) + "\"}", kBroken},
      {"P-256 named P-384", changed(ForgeKey::p256, "P-256", "P-384"), kBroken},
      {"secp256k1", changed(ForgeKey::p256, "P-256", "secp256k1"), kBroken},
      {"a point off the curve",
       fmt::format(R"({{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}})", x, x), kBroken},
      {"a point of zeros",
       fmt::format(R"({{"kty":"EC","crv":"P-256","x":"{0}","y":"{0}"}})",
                   base64url_encode(Bytes(32, 0))),
       kBroken},
      {"a coordinate cut",
       fmt::format(R"({{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}})", x.substr(0, 40), y),
       kBroken},
      {"Ed25519", public_jwk(ForgeKey::ed25519, R"("alg":"EdDSA")"), "ok"},
      {"Ed448", changed(ForgeKey::ed25519, "Ed25519", "Ed448"), kBroken},
      {"X25519", changed(ForgeKey::ed25519, "Ed25519", "X25519"), kBroken},
      {"Ed25519 of 31 bytes",
       R"({"kty":"OKP","crv":"Ed25519","x":")" + base64url_encode(Bytes(31, 1)) + "\"}", kBroken},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(jwk_outcome(row.jwk) == row.expected);
  }
}

TEST_CASE("key sets are bounded and well-formed") {
  const auto outcome = [](const std::string& text) {
    const auto set = parse_jwks(text);
    return set ? fmt::format("{} keys, {} skipped", set->keys.keys().size(), set->skipped)
               : fmt::format("{}: {}", to_string(set.error().code), set.error().message);
  };
  CHECK(outcome(R"({"keys":[]})") == "0 keys, 0 skipped");
  CHECK(outcome(R"({"keys":[1,null,{},{"kty":"oct","k":"AQ"}]})") == "0 keys, 4 skipped");
  CHECK(outcome(R"({"keys":{}})") == "invalid_argument: not a JSON Web Key Set");
  CHECK(outcome(R"([])") == "invalid_argument: not a JSON Web Key Set");
  CHECK(outcome("<html>").starts_with("invalid_argument: "));
  CHECK(outcome(R"({"keys":[],"keys":[]})") == "invalid_argument: duplicate key");
  std::string many = "{}";
  for (std::size_t i = 0; i < kKeysMax; ++i) many += ",{}";
  CHECK(outcome(R"({"keys":[)" + many + "]}") == "too_large: the key set has too many keys");
  CHECK(outcome(R"({"keys":[],"a":")" + std::string(kJwksBytesMax, 'a') + "\"}") ==
        "too_large: the key set is too large");
}

TEST_CASE("PEM keys and certificates") {
  const auto outcome = [](const std::string& text) {
    const auto keys = parse_pem_keys(text);
    return keys ? fmt::format("{} keys", keys->size()) : keys.error().message;
  };
  const auto pem_of = [](auto write) {
    const Source memory(BIO_new(BIO_s_mem()));
    REQUIRE(write(memory.get()) == 1);
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
  };
  const std::string pkcs1 = pem_of([](BIO* out) {
    using Encoder = OpensslHandle<OSSL_ENCODER_CTX, OSSL_ENCODER_CTX_free>;
    const Encoder encoder(OSSL_ENCODER_CTX_new_for_pkey(key_of(ForgeKey::rsa), EVP_PKEY_PUBLIC_KEY,
                                                        "PEM", "type-specific", nullptr));
    return OSSL_ENCODER_to_bio(encoder.get(), out);
  });
  const std::string private_key = pem_of([](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key_of(ForgeKey::p256), nullptr, nullptr, 0, nullptr,
                                    nullptr);
  });
  const std::string certificate = pem_of([](BIO* out) {
    const Certificate made(X509_new());
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -20);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), -10);  // over; only its key counts
    X509_set_pubkey(made.get(), key_of(ForgeKey::p256));
    REQUIRE(X509_sign(made.get(), key_of(ForgeKey::p256), EVP_sha256()) != 0);
    return PEM_write_bio_X509(out, made.get());
  });
  std::string cut = public_pem(ForgeKey::rsa);
  cut.erase(60, 40);
  const std::string none = "no PEM public key in the text";
  CHECK(outcome(public_pem(ForgeKey::rsa) + public_pem(ForgeKey::ed25519)) == "2 keys");
  CHECK(outcome("words\n" + public_pem(ForgeKey::p521) + "words\n") == "1 keys");
  CHECK(outcome(pkcs1) == "1 keys");
  CHECK(outcome(certificate) == "1 keys");
  CHECK(outcome(private_key) == "the PEM text must hold public keys or certificates only");
  CHECK(outcome(public_pem(ForgeKey::rsa_small)) == "an RSA key must have 2048 to 8192 bits");
  CHECK(outcome(cut) == "a PEM block is broken");
  CHECK(outcome(public_pem(ForgeKey::p256) + cut) == "a PEM block is broken");
  CHECK(outcome("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n") ==
        "not a public key");
  CHECK(outcome("") == none);
  CHECK(outcome("-----BEGIN PUBLIC KEY-----\n") == "a PEM block is broken");
  CHECK(outcome(std::string(kPemBytesMax + 1, 'a')) == "the PEM text is too large");

  const auto keys = parse_pem_keys(certificate);
  REQUIRE(keys.ok());
  const std::string token =
      forge(ForgeKey::p256, Algorithm::es256, R"({"alg":"ES256","kid":"any"})", "{}");
  CHECK(verify_token(token, KeySet(*keys)).ok());
}

TEST_CASE("base64url has one text for each value") {
  struct Row {
    const char* text;
    int size;  // -1: refused
  };
  const std::vector<Row> rows = {{"", 0},      {"AA", 1},     {"AAA", 2},    {"AAAA", 3},
                                 {"-_-_", 3},  {"A", -1},     {"AAAAA", -1}, {"AB", -1},
                                 {"AAB", -1},  {"AA==", -1},  {"AA=", -1},   {"+/+/", -1},
                                 {"AA A", -1}, {"AAA\n", -1}, {"A.AA", -1}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto bytes = base64url_decode(row.text);
    CHECK((bytes ? static_cast<int>(bytes->size()) : -1) == row.size);
    if (bytes) CHECK(base64url_encode(*bytes) == row.text);
  }
  Bytes all;
  for (int i = 0; i < 256; ++i) {
    all.push_back(static_cast<std::uint8_t>(i));
    CHECK(base64url_decode(base64url_encode(all)) == all);
  }
}
