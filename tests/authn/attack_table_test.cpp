// Tokens that must be refused, each with the reason it must be refused for. All are really signed;
// every row has a twin among the accepted ones that differs in the attacked place only.
#include <doctest/doctest.h>

#include <functional>
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

constexpr std::string_view kClaims = R"({"sub":"app","exp":4000000000})";

// One key of each type, each with its own name, and one that is for encryption.
const KeySet& known_keys() {
  static const KeySet keys = [] {
    const std::string text = fmt::format(
        R"({{"keys":[{},{},{},{},{},{},{}]}})", public_jwk(ForgeKey::rsa, R"("kid":"rsa")"),
        public_jwk(ForgeKey::p256, R"("kid":"p256","alg":"ES256","use":"sig")"),
        public_jwk(ForgeKey::p384, R"("kid":"p384")"),
        public_jwk(ForgeKey::p521, R"("kid":"p521")"),
        public_jwk(ForgeKey::ed25519, R"("kid":"ed")"),
        public_jwk(ForgeKey::rsa_other, R"("kid":"enc","use":"enc")"),
        public_jwk(ForgeKey::rsa_small, R"("kid":"small")"));
    auto parsed = parse_jwks(text);
    REQUIRE(parsed.ok());
    REQUIRE(parsed->skipped == 2);  // enc and small
    return std::move(parsed->keys);
  }();
  return keys;
}

std::string outcome(std::string_view token, const KeySet& keys, const VerifyOptions& options = {}) {
  const auto judged = verify_token(token, keys, options);
  return std::string(judged ? "ok" : to_string(judged.refusal().fault));
}

std::string rs256(std::string_view header, std::string_view claims = kClaims) {
  return forge(ForgeKey::rsa, Algorithm::rs256, header, claims);
}

std::string es256(std::string_view header, std::string_view claims = kClaims) {
  return forge(ForgeKey::p256, Algorithm::es256, header, claims);
}

// A good token of which one segment's text is changed. `segment`: 0, 1 or 2.
std::string with_segment(std::string token, int segment,
                         const std::function<std::string(std::string)>& change) {
  std::size_t start = 0;
  for (int i = 0; i < segment; ++i) start = token.find('.', start) + 1;
  const std::size_t end = std::min(token.find('.', start), token.size());
  return token.substr(0, start) + change(token.substr(start, end - start)) + token.substr(end);
}

const std::string kRsa = R"({"alg":"RS256","kid":"rsa"})";
const std::string kEs = R"({"alg":"ES256","kid":"p256"})";

std::string good() {
  return rs256(kRsa);
}
std::string with_signature(const std::string& header, BytesView signature) {
  return join(header, kClaims, signature);
}
Bytes es_signature() {
  return sign(ForgeKey::p256, Algorithm::es256, signed_part(kEs, kClaims));
}

// Signed as `algorithm` by `key` under a header that says something else.
std::string lying(const std::string& header, ForgeKey key, Algorithm algorithm) {
  return forge(key, algorithm, header, kClaims);
}

std::string nested(int depth) {
  const auto size = static_cast<std::size_t>(depth);
  return R"({"exp":4000000000,"a":)" + std::string(size, '[') + std::string(size, ']') + "}";
}

// The same signature, spelled with other unused bits in its last character.
std::string other_spelling(std::string text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::size_t last = kAlphabet.find(text.back());
  text.back() = kAlphabet[last + 1];
  return text;
}

struct Row {
  const char* name;
  std::string token;
  const char* expected;
};

std::vector<Row> form_rows() {
  const std::string token = good();
  const auto append = [](const char* more) {
    return [more](const std::string& text) { return text + more; };
  };
  const auto empty = [](const std::string&) { return std::string(); };
  return {
      {"the good token", token, "ok"},
      {"empty text", "", "malformed_token"},
      {"two dots only", "..", "malformed_token"},
      {"empty header", with_segment(token, 0, empty), "malformed_token"},
      {"empty claims", with_segment(token, 1, empty), "malformed_token"},
      {"empty signature", with_segment(token, 2, empty), "malformed_token"},
      {"no third segment", token.substr(0, token.rfind('.')), "malformed_token"},
      {"a fourth segment", token + ".AAAA", "malformed_token"},
      {"a dot at the end", token + ".", "malformed_token"},
      {"a dot at the start", "." + token, "malformed_token"},
      {"five segments (JWE)", token + ".AAAA.AAAA", "malformed_token"},
      {"padded signature", with_segment(token, 2, append("==")), "malformed_token"},
      {"padded header", with_segment(token, 0, append("=")), "malformed_token"},
      {"new line at the end", token + "\n", "malformed_token"},
      {"space before", " " + token, "malformed_token"},
      {"space in the claims", with_segment(token, 1, append(" ")), "malformed_token"},
      {"NUL at the end", token + std::string(1, '\0'), "malformed_token"},
      {"standard alphabet",
       with_segment(token, 2,
                    [](std::string text) {
                      text[0] = '+';
                      return text;
                    }),
       "malformed_token"},
      {"unused bits of the signature", with_segment(token, 2, other_spelling), "malformed_token"},
      {"unused bits of an ES signature", with_segment(es256(kEs), 2, other_spelling),
       "malformed_token"},
      {"one character too many", with_segment(token, 2, append("AAA")), "malformed_token"},
      {"Bearer left on", "Bearer " + token, "malformed_token"},
      {"JSON serialisation", R"({"payload":"e30","signatures":[]})", "malformed_token"},
      {"token over its bound",
       rs256(kRsa, R"({"exp":4000000000,"a":")" + std::string(13'000, 'a') + "\"}"), "too_large"},
      {"token just under its bound",
       rs256(kRsa, R"({"exp":4000000000,"a":")" + std::string(11'000, 'a') + "\"}"), "ok"},
  };
}

std::vector<Row> header_rows() {
  const std::string rest = R"(,"kid":"rsa"})";
  const std::string jwk = public_jwk(ForgeKey::rsa_other, R"("kid":"rsa")");
  const auto own_key = [](const std::string& header) {
    return forge(ForgeKey::rsa_other, Algorithm::rs256, header, kClaims);
  };
  return {
      {"alg none, no signature", signed_part(R"({"alg":"none"})", kClaims) + ".",
       "malformed_token"},
      {"alg none, some signature", with_signature(R"({"alg":"none"})", Bytes{1}),
       "unsupported_algorithm"},
      {"alg None", rs256(R"({"alg":"None")" + rest), "unsupported_algorithm"},
      {"alg nOnE", rs256(R"({"alg":"nOnE")" + rest), "unsupported_algorithm"},
      {"alg in lower case", rs256(R"({"alg":"rs256")" + rest), "unsupported_algorithm"},
      {"alg with a space", rs256(R"({"alg":"RS256 ")" + rest), "unsupported_algorithm"},
      {"alg with NUL", rs256(R"({"alg":"RS256\u0000")" + rest), "unsupported_algorithm"},
      {"alg spelled with escapes is the same text", rs256(R"({"alg":"\u0052S256")" + rest), "ok"},
      {"alg empty", rs256(R"({"alg":"")" + rest), "unsupported_algorithm"},
      {"alg absent", rs256(R"({"kid":"rsa"})"), "malformed_header"},
      {"alg a list", rs256(R"({"alg":["RS256"])" + rest), "malformed_header"},
      {"alg null", rs256(R"({"alg":null)" + rest), "malformed_header"},
      {"RSA1_5", rs256(R"({"alg":"RSA1_5")" + rest), "unsupported_algorithm"},
      {"ES256K", es256(R"({"alg":"ES256K","kid":"p256"})"), "unsupported_algorithm"},
      {"HS256 with the public key as secret",
       [] {
         const std::string header = R"({"alg":"HS256","kid":"rsa"})";
         return join(header, kClaims,
                     hmac(public_pem(ForgeKey::rsa), signed_part(header, kClaims)));
       }(),
       "unsupported_algorithm"},
      {"RS256 header over such an HMAC",
       [] {
         return join(kRsa, kClaims, hmac(public_pem(ForgeKey::rsa), signed_part(kRsa, kClaims)));
       }(),
       "bad_signature"},
      {"HS256 with an empty secret",
       [] {
         const std::string header = R"({"alg":"HS256"})";
         return join(header, kClaims, hmac("", signed_part(header, kClaims)));
       }(),
       "unsupported_algorithm"},
      {"crit", rs256(R"({"alg":"RS256","crit":["exp"],"exp":1)" + rest), "critical_header"},
      {"crit empty", rs256(R"({"alg":"RS256","crit":[])" + rest), "critical_header"},
      {"b64 false", rs256(R"({"alg":"RS256","b64":false)" + rest), "critical_header"},
      {"b64 false with crit", rs256(R"({"alg":"RS256","crit":["b64"],"b64":false)" + rest),
       "critical_header"},
      {"embedded jwk", own_key(R"({"alg":"RS256","jwk":)" + jwk + "}"), "embedded_key"},
      {"embedded jwk under a known kid", own_key(R"({"alg":"RS256","jwk":)" + jwk + rest),
       "embedded_key"},
      {"x5c", own_key(R"({"alg":"RS256","x5c":["MIIB"])" + rest), "embedded_key"},
      {"jku is not fetched", own_key(R"({"alg":"RS256","jku":"https://127.0.0.1:1/k")" + rest),
       "bad_signature"},
      {"jku without kid", own_key(R"({"alg":"RS256","jku":"https://127.0.0.1:1/k"})"),
       "bad_signature"},
      {"x5u is not fetched", own_key(R"({"alg":"RS256","x5u":"https://127.0.0.1:1/c")" + rest),
       "bad_signature"},
      {"jku of a good token is ignored", rs256(R"({"alg":"RS256","jku":"https://a/")" + rest),
       "ok"},
      {"alg twice, the good one last", rs256(R"({"alg":"none","alg":"RS256")" + rest),
       "malformed_header"},
      {"kid twice", rs256(R"({"alg":"RS256","kid":"x")" + rest), "malformed_header"},
      {"kid twice, once escaped", rs256(R"({"alg":"RS256","\u006bid":"x")" + rest),
       "malformed_header"},
      {"header an array", rs256(R"(["RS256"])"), "malformed_header"},
      {"header a string", rs256(R"("RS256")"), "malformed_header"},
      {"header not JSON", rs256("alg=RS256"), "malformed_header"},
      {"header with text behind", rs256(kRsa + "{}"), "malformed_header"},
      {"header invalid UTF-8", rs256("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"a\":\"\xff\"}"),
       "malformed_header"},
      {"header nested too deep", rs256(R"({"alg":"RS256","a":[[[[[]]]]])" + rest), "too_large"},
      {"header too large", rs256(R"({"alg":"RS256","a":")" + std::string(4096, 'a') + "\"" + rest),
       "too_large"},
      {"typ a number", rs256(R"({"alg":"RS256","typ":1)" + rest), "malformed_header"},
      {"unknown member", rs256(R"({"alg":"RS256","x5t":"abc","nonce":"1")" + rest), "ok"},
  };
}

std::vector<Row> kid_rows() {
  const auto kid = [](const std::string& name) {
    return rs256(R"({"alg":"RS256","kid":)" + name + "}");
  };
  return {
      {"no kid", rs256(R"({"alg":"RS256"})"), "ok"},
      {"kid unknown", kid(R"("nobody")"), "unknown_key"},
      {"kid empty", kid(R"("")"), "unknown_key"},
      {"kid in another case", kid(R"("RSA")"), "unknown_key"},
      {"kid a prefix", kid(R"("rs")"), "unknown_key"},
      {"kid with NUL behind", kid(R"("rsa\u0000")"), "unknown_key"},
      {"kid of a path", kid(R"("../../../../dev/null")"), "unknown_key"},
      {"kid of SQL", kid(R"("x' UNION SELECT 'a")"), "unknown_key"},
      {"kid of a command", kid(R"("|/bin/true")"), "unknown_key"},
      {"kid huge", kid("\"" + std::string(257, 'k') + "\""), "malformed_header"},
      {"kid a number", kid("1"), "malformed_header"},
      {"kid null", kid("null"), "malformed_header"},
      {"kid an object", kid("{}"), "malformed_header"},
      {"kid of another type of key", kid(R"("p256")"), "key_mismatch"},
      {"ES256 with the kid of P-384",
       lying(R"({"alg":"ES256","kid":"p384"})", ForgeKey::p384, Algorithm::es256), "key_mismatch"},
      {"ES384 with P-256",
       lying(R"({"alg":"ES384","kid":"p256"})", ForgeKey::p256, Algorithm::es384), "key_mismatch"},
      {"PS256 named, RS256 made",
       lying(R"({"alg":"PS256","kid":"rsa"})", ForgeKey::rsa, Algorithm::rs256), "bad_signature"},
      {"RS256 named, PS256 made", lying(kRsa, ForgeKey::rsa, Algorithm::ps256), "bad_signature"},
      {"RS512 named, RS256 made",
       lying(R"({"alg":"RS512","kid":"rsa"})", ForgeKey::rsa, Algorithm::rs256), "bad_signature"},
      {"EdDSA with the kid of RSA",
       lying(R"({"alg":"EdDSA","kid":"rsa"})", ForgeKey::ed25519, Algorithm::eddsa),
       "key_mismatch"},
      {"a key for encryption",
       lying(R"({"alg":"RS256","kid":"enc"})", ForgeKey::rsa_other, Algorithm::rs256),
       "unknown_key"},
      {"a key for encryption, no kid",
       lying(R"({"alg":"RS256"})", ForgeKey::rsa_other, Algorithm::rs256), "bad_signature"},
      {"an RSA key of 1024 bits",
       lying(R"({"alg":"RS256","kid":"small"})", ForgeKey::rsa_small, Algorithm::rs256),
       "unknown_key"},
      {"another key under a known kid", lying(kRsa, ForgeKey::rsa_other, Algorithm::rs256),
       "bad_signature"},
  };
}

std::vector<Row> signature_rows() {
  const std::string ed = R"({"alg":"EdDSA","kid":"ed"})";
  const std::string ps = R"({"alg":"PS256","kid":"rsa"})";
  const std::string es384 = R"({"alg":"ES384","kid":"p384"})";
  const Bytes raw = es_signature();
  const auto flipped = [](Bytes bytes, std::size_t at) {
    bytes[at] ^= 1;
    return bytes;
  };
  const auto part = [&](bool zero_r, bool zero_s) {
    Bytes bytes = raw;
    if (zero_r) std::fill(bytes.begin(), bytes.begin() + 32, 0);
    if (zero_s) std::fill(bytes.begin() + 32, bytes.end(), 0);
    return bytes;
  };
  Bytes longer = raw;
  longer.push_back(0);
  Bytes padded(2, 0);  // each half one zero byte longer
  padded.insert(padded.begin() + 1, raw.begin(), raw.begin() + 32);
  padded.insert(padded.end(), raw.begin() + 32, raw.end());
  const auto salted = [&](int salt) {
    return with_signature(ps, sign_with(ForgeKey::rsa, Algorithm::ps256, signed_part(ps, kClaims),
                                        {.pss_salt = salt}));
  };
  const Bytes ed_signature = sign(ForgeKey::ed25519, Algorithm::eddsa, signed_part(ed, kClaims));
  const auto order_added = [&] {
    // S + L, the second spelling of an Ed25519 signature that RFC 8032, 5.1.7 forbids.
    static const Bytes kOrder =
        from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    Bytes bytes = ed_signature;
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      const unsigned sum = bytes[32 + i] + kOrder[i] + carry;
      bytes[32 + i] = static_cast<std::uint8_t>(sum);
      carry = sum >> 8;
    }
    return bytes;
  };
  return {
      {"ES256", with_signature(kEs, raw), "ok"},
      {"ES256 as DER",
       with_signature(kEs, sign_with(ForgeKey::p256, Algorithm::es256, signed_part(kEs, kClaims),
                                     {.der = true})),
       "bad_signature"},
      {"ES256 with r = 0", with_signature(kEs, part(true, false)), "bad_signature"},
      {"ES256 with s = 0", with_signature(kEs, part(false, true)), "bad_signature"},
      {"ES256 with r = s = 0", with_signature(kEs, part(true, true)), "bad_signature"},
      {"ES256 all ones", with_signature(kEs, Bytes(64, 0xff)), "bad_signature"},
      {"ES256 a byte longer", with_signature(kEs, longer), "bad_signature"},
      {"ES256 a byte shorter", with_signature(kEs, BytesView(raw).first(63)), "bad_signature"},
      {"ES256 halves padded", with_signature(kEs, padded), "bad_signature"},
      {"ES256 r flipped", with_signature(kEs, flipped(raw, 0)), "bad_signature"},
      {"ES256 s flipped", with_signature(kEs, flipped(raw, 63)), "bad_signature"},
      {"ES256 halves of ES384's size", with_signature(es384, raw), "bad_signature"},
      {"PS256", salted(-1), "ok"},
      {"PS256 with no salt", salted(0), "bad_signature"},
      {"PS256 with the largest salt", salted(222), "bad_signature"},
      {"PS256 with a salt of 31", salted(31), "bad_signature"},
      {"RS256 shorter", with_signature(kRsa, Bytes(255, 1)), "bad_signature"},
      {"RS256 longer", with_signature(kRsa, Bytes(257, 1)), "bad_signature"},
      {"RS256 all zero", with_signature(kRsa, Bytes(256, 0)), "bad_signature"},
      {"RS256 one", with_signature(kRsa, Bytes{1}), "bad_signature"},
      {"EdDSA", with_signature(ed, ed_signature), "ok"},
      {"EdDSA shorter", with_signature(ed, BytesView(ed_signature).first(63)), "bad_signature"},
      {"EdDSA longer", with_signature(ed, Bytes(65, 1)), "bad_signature"},
      {"EdDSA all zero", with_signature(ed, Bytes(64, 0)), "bad_signature"},
      {"EdDSA with S + L", with_signature(ed, order_added()), "bad_signature"},
      {"claims changed",
       with_segment(good(), 1,
                    [](const std::string&) {
                      return base64url_encode(as_bytes(R"({"sub":"root","exp":4000000000})"));
                    }),
       "bad_signature"},
      {"header changed, same meaning",
       with_segment(good(), 0,
                    [](const std::string&) {
                      return base64url_encode(as_bytes(R"({"alg":"RS256", "kid":"rsa"})"));
                    }),
       "bad_signature"},
  };
}

std::vector<Row> claim_form_rows() {
  return {
      {"claims an array", rs256(kRsa, "[]"), "malformed_claims"},
      {"claims a string", rs256(kRsa, R"("root")"), "malformed_claims"},
      {"claims a number", rs256(kRsa, "1"), "malformed_claims"},
      {"claims null", rs256(kRsa, "null"), "malformed_claims"},
      {"claims of white space", rs256(kRsa, "  "), "malformed_claims"},
      {"claims a nested token", rs256(kRsa, good()), "malformed_claims"},
      {"claims cut", rs256(kRsa, R"({"sub":"app")"), "malformed_claims"},
      {"claims with text behind", rs256(kRsa, R"({"sub":"app"}{"sub":"root"})"),
       "malformed_claims"},
      {"claims invalid UTF-8", rs256(kRsa, "{\"sub\":\"\xc0\xaf\"}"), "malformed_claims"},
      {"claims with half a surrogate", rs256(kRsa, R"({"sub":"\ud800"})"), "malformed_claims"},
      {"claims with a control character", rs256(kRsa, "{\"sub\":\"a\nb\"}"), "malformed_claims"},
      {"a claim twice", rs256(kRsa, R"({"sub":"app","sub":"root"})"), "malformed_claims"},
      {"a claim twice, once escaped", rs256(kRsa, R"({"sub":"app","s\u0075b":"root"})"),
       "malformed_claims"},
      {"a nested claim twice", rs256(kRsa, R"({"a":{"b":1,"b":2}})"), "malformed_claims"},
      {"NaN", rs256(kRsa, R"({"exp":NaN})"), "malformed_claims"},
      {"Infinity", rs256(kRsa, R"({"exp":-Infinity})"), "malformed_claims"},
      {"hexadecimal number", rs256(kRsa, R"({"exp":0x10})"), "malformed_claims"},
      {"number with a leading zero", rs256(kRsa, R"({"exp":04000000000})"), "malformed_claims"},
      {"comment", rs256(kRsa, R"({"exp":1/*x*/})"), "malformed_claims"},
      {"BOM", rs256(kRsa, "\xef\xbb\xbf{\"sub\":\"app\"}"), "malformed_claims"},
      {"claims nested 15 deep", rs256(kRsa, nested(15)), "ok"},
      {"claims nested 16 deep", rs256(kRsa, nested(16)), "too_large"},
      {"claims nested 5000 deep", rs256(kRsa, nested(5000)), "too_large"},
      {"claims with 5000 values",
       [] {
         std::string list = "[0";
         for (int i = 0; i < 5000; ++i) list += ",0";
         return rs256(kRsa, R"({"a":)" + list + "]}");
       }(),
       "too_large"},
  };
}

void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(outcome(row.token, known_keys()) == row.expected);
  }
}

}  // namespace

TEST_CASE("tokens of a wrong form are refused") {
  check_rows(form_rows());
}
TEST_CASE("headers that ask for what they may not are refused") {
  check_rows(header_rows());
}
TEST_CASE("a kid is a hint and nothing else") {
  check_rows(kid_rows());
}
TEST_CASE("signatures are taken in exactly one form") {
  check_rows(signature_rows());
}
TEST_CASE("claims are one well-formed object") {
  check_rows(claim_form_rows());
}

TEST_CASE("typ is checked where it is asked for") {
  struct TypeRow {
    const char* header;
    const char* wanted;
    const char* expected;
  };
  const std::vector<TypeRow> rows = {
      {R"({"alg":"RS256","typ":"at+jwt"})", "at+jwt", "ok"},
      {R"({"alg":"RS256","typ":"AT+JWT"})", "at+jwt", "ok"},
      {R"({"alg":"RS256","typ":"application/at+jwt"})", "at+jwt", "ok"},
      {R"({"alg":"RS256","typ":"application/application/at+jwt"})", "at+jwt", "wrong_type"},
      {R"({"alg":"RS256","typ":"JWT"})", "at+jwt", "wrong_type"},
      {R"({"alg":"RS256","typ":"logout+jwt"})", "at+jwt", "wrong_type"},
      {R"({"alg":"RS256"})", "at+jwt", "wrong_type"},
      {R"({"alg":"RS256","typ":"anything"})", "", "ok"},
  };
  for (const TypeRow& row : rows) {
    CAPTURE(row.header);
    VerifyOptions options;
    options.type = row.wanted;
    CHECK(outcome(rs256(row.header), known_keys(), options) == row.expected);
  }
}

TEST_CASE("only allowed algorithms are taken") {
  VerifyOptions only_es;
  only_es.algorithms = AlgorithmSet();
  only_es.algorithms.add(Algorithm::es256);
  CHECK(outcome(es256(kEs), known_keys(), only_es) == "ok");
  CHECK(outcome(good(), known_keys(), only_es) == "unsupported_algorithm");
}

TEST_CASE("every algorithm verifies with its key, named or not, and with no other token's") {
  for (int i = 0; i < kAlgorithmCount; ++i) {
    const auto algorithm = static_cast<Algorithm>(i);
    CAPTURE(to_string(algorithm));
    const std::string header = fmt::format(R"({{"alg":"{}"}})", to_string(algorithm));
    const std::string token = forge(key_for(algorithm), algorithm, header, kClaims);
    CHECK(outcome(token, known_keys()) == "ok");
    CHECK(outcome(token, KeySet()) == "unknown_key");
    const auto pem = parse_pem_keys(public_pem(key_for(algorithm)));
    REQUIRE(pem.ok());
    CHECK(outcome(token, KeySet(*pem)) == "ok");
  }
}

TEST_CASE("keys of the same name are told apart by type, then tried; too many are refused") {
  const auto with_kid = [](ForgeKey key) { return verification_key(key, "same"); };
  const std::string header = R"({"alg":"RS256","kid":"same"})";
  const std::string token = forge(ForgeKey::rsa, Algorithm::rs256, header, kClaims);
  CHECK(outcome(token, KeySet({with_kid(ForgeKey::p256), with_kid(ForgeKey::rsa)})) == "ok");
  CHECK(outcome(token, KeySet({with_kid(ForgeKey::rsa_other), with_kid(ForgeKey::rsa)})) == "ok");
  CHECK(outcome(token, KeySet({with_kid(ForgeKey::rsa_other)})) == "bad_signature");
  CHECK(outcome(token, KeySet({with_kid(ForgeKey::p256)})) == "key_mismatch");
  const std::vector<VerificationKey> eight(kCandidatesMax, with_kid(ForgeKey::rsa));
  CHECK(outcome(token, KeySet(eight)) == "ok");
  const std::vector<VerificationKey> nine(kCandidatesMax + 1, with_kid(ForgeKey::rsa));
  CHECK(outcome(token, KeySet(nine)) == "ambiguous_key");
}
