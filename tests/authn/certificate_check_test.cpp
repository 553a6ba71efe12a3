// Client certificates against trusted ones, revocation lists, and a role's names. The certificates
// are made here, each row with the one property that decides it.
#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <string>
#include <vector>

#include "net/authn/certificate_check.h"
#include "net/authn/openssl_handles.h"

namespace {

using namespace coffer;
using namespace coffer::authn;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kDay = 86'400;

struct Owner {
  KeyHandle key{EVP_EC_gen("P-256")};
  Certificate certificate;
};

struct Wanted {
  std::string name;
  bool is_authority = false;
  long serial = 1;
  std::int64_t from = kNow - kDay;
  std::int64_t until = kNow + kDay;
  // OpenSSL's names and values of extensions.
  std::vector<std::pair<int, std::string>> extensions{};
  std::vector<std::string> units{};
  std::vector<std::pair<std::string, std::string>> texts{};  // OID -> UTF8String
};

void add_entry(X509* certificate, const char* kind, const std::string& value) {
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), kind, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(value.data()),
                             static_cast<int>(value.size()), -1, 0);
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  REQUIRE(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void add_text(X509* certificate, const std::string& oid, const std::string& value) {
  Bytes der = {V_ASN1_UTF8STRING, static_cast<std::uint8_t>(value.size())};
  append(der, as_bytes(value));
  ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(octets, der.data(), static_cast<int>(der.size()));
  ASN1_OBJECT* object = OBJ_txt2obj(oid.c_str(), 1);
  X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, object, 0, octets);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  ASN1_OBJECT_free(object);
  ASN1_OCTET_STRING_free(octets);
}

// Issued by `issuer`, or by itself.
Owner issue(const Wanted& wanted, const Owner* issuer) {
  Owner owner;
  owner.certificate.reset(X509_new());
  X509* raw = owner.certificate.get();
  X509_set_version(raw, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(raw), wanted.serial);
  ASN1_TIME_set(X509_getm_notBefore(raw), wanted.from);
  ASN1_TIME_set(X509_getm_notAfter(raw), wanted.until);
  X509_set_pubkey(raw, owner.key.get());
  add_entry(raw, "CN", wanted.name);
  for (const auto& unit : wanted.units) add_entry(raw, "OU", unit);
  X509* signer = issuer == nullptr ? raw : issuer->certificate.get();
  X509_set_issuer_name(raw, X509_get_subject_name(signer));
  add_extension(raw, signer, NID_basic_constraints,
                wanted.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (wanted.is_authority)
    add_extension(raw, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(raw, signer, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) add_extension(raw, signer, NID_authority_key_identifier, "keyid");
  for (const auto& [kind, value] : wanted.extensions) add_extension(raw, signer, kind, value);
  for (const auto& [oid, value] : wanted.texts) add_text(raw, oid, value);
  REQUIRE(X509_sign(raw, (issuer == nullptr ? owner : *issuer).key.get(), EVP_sha256()) != 0);
  return owner;
}

Bytes der_of(const Owner& owner) {
  Bytes der(static_cast<std::size_t>(i2d_X509(owner.certificate.get(), nullptr)));
  unsigned char* end = der.data();
  i2d_X509(owner.certificate.get(), &end);
  return der;
}

template <class Write>
std::string pem_text(Write write) {
  const Source memory(BIO_new(BIO_s_mem()));
  REQUIRE(write(memory.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string pem_of(const Owner& owner) {
  return pem_text([&](BIO* out) { return PEM_write_bio_X509(out, owner.certificate.get()); });
}

// A list of `issuer` that revokes the serial number, valid until `until`.
std::string list_of(const Owner& issuer, long serial, std::int64_t until) {
  const OpensslHandle<X509_CRL, X509_CRL_free> list(X509_CRL_new());
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(issuer.certificate.get()));
  const OpensslHandle<ASN1_TIME, ASN1_TIME_free> from(ASN1_TIME_set(nullptr, kNow - kDay));
  const OpensslHandle<ASN1_TIME, ASN1_TIME_free> next(ASN1_TIME_set(nullptr, until));
  X509_CRL_set1_lastUpdate(list.get(), from.get());
  X509_CRL_set1_nextUpdate(list.get(), next.get());
  X509_REVOKED* entry = X509_REVOKED_new();
  const OpensslHandle<ASN1_INTEGER, ASN1_INTEGER_free> number(ASN1_INTEGER_new());
  ASN1_INTEGER_set(number.get(), serial);
  X509_REVOKED_set_serialNumber(entry, number.get());
  X509_REVOKED_set_revocationDate(entry, from.get());
  X509_CRL_add0_revoked(list.get(), entry);
  X509_CRL_sort(list.get());
  REQUIRE(X509_CRL_sign(list.get(), issuer.key.get(), EVP_sha256()) != 0);
  return pem_text([&](BIO* out) { return PEM_write_bio_X509_CRL(out, list.get()); });
}

std::string outcome(const std::string& trusted, const std::string& lists,
                    const std::vector<Bytes>& chain, std::int64_t now = kNow) {
  const auto store = TrustedCertificates::parse(trusted, lists);
  if (!store) return store.error().message;
  const auto fault = store->check(chain, Timestamp{now * 1'000'000'000});
  return std::string(fault ? to_string(*fault) : "ok");
}

}  // namespace

TEST_CASE("chains to trusted certificates") {
  const Owner root = issue({.name = "root", .is_authority = true}, nullptr);
  const Owner middle = issue({.name = "middle", .is_authority = true, .serial = 2}, &root);
  const Owner leaf = issue({.name = "leaf", .serial = 3}, &middle);
  const Owner direct = issue({.name = "direct", .serial = 4}, &root);
  const Owner server = issue(
      {.name = "server", .serial = 5, .extensions = {{NID_ext_key_usage, "serverAuth"}}}, &root);
  const Owner client = issue(
      {.name = "client", .serial = 6, .extensions = {{NID_ext_key_usage, "clientAuth"}}}, &root);
  const Owner self = issue({.name = "self"}, nullptr);
  const Owner twin = issue({.name = "root", .is_authority = true}, nullptr);  // another key
  const Owner by_leaf = issue({.name = "by leaf", .serial = 7}, &leaf);
  const Owner by_twin = issue({.name = "by twin", .serial = 8}, &twin);
  Bytes changed = der_of(direct);
  changed.back() ^= 1;
  Bytes longer = der_of(direct);
  longer.push_back(0);
  struct Row {
    const char* name;
    std::string trusted;
    std::vector<Bytes> chain;
    std::int64_t now;
    const char* expected;
  };
  const std::vector<Row> rows = {
      {"by the root", pem_of(root), {der_of(direct)}, kNow, "ok"},
      {"by way of the middle", pem_of(root), {der_of(leaf), der_of(middle)}, kNow, "ok"},
      {"the middle not sent", pem_of(root), {der_of(leaf)}, kNow, "untrusted"},
      {"the middle trusted", pem_of(middle), {der_of(leaf)}, kNow, "ok"},
      {"only the middle trusted", pem_of(middle), {der_of(direct)}, kNow, "untrusted"},
      {"one of two trusted", pem_of(self) + pem_of(root), {der_of(direct)}, kNow, "ok"},
      {"pinned leaf", pem_of(direct), {der_of(direct)}, kNow, "ok"},
      {"pinned, self-signed", pem_of(self), {der_of(self)}, kNow, "ok"},
      {"another leaf than pinned", pem_of(direct), {der_of(client)}, kNow, "untrusted"},
      {"issued by a pinned leaf", pem_of(leaf), {der_of(by_leaf)}, kNow, "untrusted"},
      {"issued by a leaf",
       pem_of(root),
       {der_of(by_leaf), der_of(leaf), der_of(middle)},
       kNow,
       "untrusted"},
      {"an authority of the same name", pem_of(root), {der_of(by_twin)}, kNow, "untrusted"},
      {"the same, sent along", pem_of(root), {der_of(by_twin), der_of(twin)}, kNow, "untrusted"},
      {"self-signed stranger", pem_of(root), {der_of(self)}, kNow, "untrusted"},
      {"signature changed", pem_of(root), {changed}, kNow, "untrusted"},
      {"a byte behind", pem_of(root), {longer}, kNow, "malformed"},
      {"no certificate", pem_of(root), {Bytes{1, 2, 3}}, kNow, "malformed"},
      {"nothing sent", pem_of(root), {}, kNow, "malformed"},
      {"eleven sent", pem_of(root), std::vector<Bytes>(11, der_of(direct)), kNow, "malformed"},
      {"for clients", pem_of(root), {der_of(client)}, kNow, "ok"},
      {"for servers", pem_of(root), {der_of(server)}, kNow, "wrong_purpose"},
      {"over", pem_of(root), {der_of(direct)}, kNow + kDay + 1, "expired"},
      {"pinned and over", pem_of(direct), {der_of(direct)}, kNow + kDay + 1, "expired"},
      {"ahead", pem_of(root), {der_of(direct)}, kNow - kDay - 1, "not_yet_valid"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(outcome(row.trusted, "", row.chain, row.now) == row.expected);
  }
  CHECK(outcome("", "", {}) == "no trusted certificate in the text");
  CHECK(outcome(pem_of(root).substr(0, 100), "", {}) == "a trusted certificate is broken");
  CHECK(outcome(pem_of(root), "words", {}) == "no revocation list in the text");
}

TEST_CASE("revocation lists") {
  const Owner root = issue({.name = "root", .is_authority = true}, nullptr);
  const Owner twin = issue({.name = "root", .is_authority = true}, nullptr);
  const Owner other = issue({.name = "other", .is_authority = true}, nullptr);
  const Owner leaf = issue({.name = "leaf", .serial = 3}, &root);
  const std::vector<Bytes> chain = {der_of(leaf)};
  const std::int64_t later = kNow + kDay;
  CHECK(outcome(pem_of(root), list_of(root, 3, later), chain) == "revoked");
  CHECK(outcome(pem_of(root), list_of(root, 4, later), chain) == "ok");
  CHECK(outcome(pem_of(root), list_of(other, 3, later), chain) == "ok");
  CHECK(outcome(pem_of(root), list_of(root, 4, kNow - 1), chain) == "revocation_unknown");
  CHECK(outcome(pem_of(root), list_of(twin, 4, later), chain) == "revocation_unknown");
}

TEST_CASE("a certificate's facts and a role's names") {
  const Owner root = issue({.name = "root", .is_authority = true}, nullptr);
  const Owner leaf =
      issue({.name = "app-1",
             .serial = 258,
             .extensions = {{NID_subject_alt_name,
                             "DNS:app.example.com,DNS:b,email:a@example.com,URI:spiffe://x/app"}},
             .units = {"red", "blue"},
             .texts = {{"1.2.3.4", "gold"}, {"1.2.3.5", "one"}, {"1.2.3.5", "one"}}},
            &root);
  const auto facts = read_certificate(der_of(leaf));
  REQUIRE(facts.ok());
  CHECK(facts->common_name == "app-1");
  CHECK(facts->serial_number == "258");
  CHECK(facts->subject_key_id.size() == 59);
  CHECK(facts->authority_key_id == read_certificate(der_of(root))->subject_key_id);
  struct Row {
    const char* name;
    CertificateRules rules;
    const char* expected;
  };
  const std::vector<Row> rows = {
      {"no rule", {}, "ok"},
      {"common name", {.allowed_common_names = {"x", "app-*"}}, "ok"},
      {"common name, whole", {.allowed_common_names = {"app"}}, "name_mismatch"},
      {"DNS name", {.allowed_dns_sans = {"*.example.com"}}, "ok"},
      {"DNS name of another", {.allowed_dns_sans = {"*.example.org"}}, "name_mismatch"},
      {"DNS is not the common name", {.allowed_dns_sans = {"app-1"}}, "name_mismatch"},
      {"email", {.allowed_email_sans = {"*@example.com"}}, "ok"},
      {"email of another", {.allowed_email_sans = {"b@example.com"}}, "name_mismatch"},
      {"URI", {.allowed_uri_sans = {"spiffe://x/*"}}, "ok"},
      {"URI of another", {.allowed_uri_sans = {"spiffe://y/*"}}, "name_mismatch"},
      {"unit", {.allowed_organizational_units = {"blue"}}, "ok"},
      {"unit of another", {.allowed_organizational_units = {"green"}}, "name_mismatch"},
      {"any name: email", {.allowed_names = {"a@*"}}, "ok"},
      {"any name: not the URI", {.allowed_names = {"spiffe:*"}}, "name_mismatch"},
      {"one of two kinds",
       {.allowed_common_names = {"app-1"}, .allowed_dns_sans = {"c"}},
       "name_mismatch"},
      {"extension", {.required_extensions = {"1.2.3.4:g*"}}, "ok"},
      {"extension by hex", {.required_extensions = {"hex:1.2.3.4:0c04*"}}, "ok"},
      {"extension of another value",
       {.required_extensions = {"1.2.3.4:silver"}},
       "extension_mismatch"},
      {"extension absent", {.required_extensions = {"1.2.3.9:*"}}, "extension_mismatch"},
      {"extension twice", {.required_extensions = {"1.2.3.5:one"}}, "extension_mismatch"},
      {"all extensions",
       {.required_extensions = {"1.2.3.4:gold", "1.2.3.9:*"}},
       "extension_mismatch"},
      {"extension no text", {.required_extensions = {"2.5.29.19:*"}}, "extension_mismatch"},
      {"extension rule without value", {.required_extensions = {"1.2.3.4"}}, "extension_mismatch"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto fault = check_names(*facts, row.rules);
    CHECK(std::string(fault ? to_string(*fault) : "ok") == row.expected);
  }
  CHECK_FALSE(read_certificate(Bytes{1}).ok());
  CHECK_FALSE(read_certificate(Bytes(kCertificateBytesMax + 1)).ok());
}
