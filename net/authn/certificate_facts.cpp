#include "net/authn/certificate_facts.h"

#include <openssl/x509v3.h>

#include <array>

#include "net/authn/openssl_handles.h"

namespace coffer::authn {
namespace {

using GeneralNames = OpensslHandle<GENERAL_NAMES, GENERAL_NAMES_free>;

// Whatever string type, as UTF-8; nothing when it cannot be.
std::optional<std::string> to_utf8(const ASN1_STRING* text) {
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, text);
  if (size < 0) return std::nullopt;
  std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

std::string raw_text(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::vector<std::string> subject_entries(X509* certificate, int kind) {
  std::vector<std::string> found;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, kind, at)) >= 0;) {
    auto text = to_utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (text) found.push_back(std::move(*text));
  }
  return found;
}

void read_alternative_names(X509* certificate, CertificateFacts& facts) {
  const GeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) facts.dns_names.push_back(raw_text(name->d.dNSName));
    if (name->type == GEN_EMAIL) facts.emails.push_back(raw_text(name->d.rfc822Name));
    if (name->type == GEN_URI) facts.uris.push_back(raw_text(name->d.uniformResourceIdentifier));
  }
}

std::optional<std::string> text_of(const ASN1_OCTET_STRING* value) {
  const unsigned char* at = ASN1_STRING_get0_data(value);
  const unsigned char* end = at + ASN1_STRING_length(value);
  using Type = OpensslHandle<ASN1_TYPE, ASN1_TYPE_free>;
  const Type type(d2i_ASN1_TYPE(nullptr, &at, ASN1_STRING_length(value)));
  if (type == nullptr || at != end) return std::nullopt;
  switch (ASN1_TYPE_get(type.get())) {
    case V_ASN1_UTF8STRING:
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_IA5STRING:
    case V_ASN1_NUMERICSTRING:
    case V_ASN1_T61STRING:
    case V_ASN1_BMPSTRING:
      return to_utf8(type->value.asn1_string);
    default:
      return std::nullopt;
  }
}

void read_extensions(X509* certificate, CertificateFacts& facts) {
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    X509_EXTENSION* extension = X509_get_ext(certificate, i);
    std::array<char, 256> oid{};
    const int size = OBJ_obj2txt(oid.data(), oid.size(), X509_EXTENSION_get_object(extension), 1);
    if (size <= 0 || static_cast<std::size_t>(size) >= oid.size()) continue;
    const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
    facts.extensions.push_back({oid.data(), text_of(value), to_hex(as_bytes(raw_text(value)))});
  }
}

std::string with_colons(const ASN1_OCTET_STRING* id) {
  if (id == nullptr) return {};
  const std::string hex = to_hex(as_bytes(raw_text(id)));
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    if (i > 0) out += ':';
    out += hex.substr(i, 2);
  }
  return out;
}

std::string decimal_serial(X509* certificate) {
  const Number serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* text = serial == nullptr ? nullptr : BN_bn2dec(serial.get());
  if (text == nullptr) return {};
  std::string out = text;
  OPENSSL_free(text);
  return out;
}

}  // namespace

Result<CertificateFacts> read_certificate(BytesView der) {
  if (der.size() > kCertificateBytesMax)
    return fail(ErrorCode::too_large, "the certificate is too large");
  const DropErrors drop;
  const unsigned char* at = der.data();
  const Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr || at != der.data() + der.size())
    return fail(ErrorCode::invalid_argument, "not a certificate");
  CertificateFacts facts;
  const auto names = subject_entries(certificate.get(), NID_commonName);
  if (!names.empty()) facts.common_name = names.back();
  facts.organizational_units = subject_entries(certificate.get(), NID_organizationalUnitName);
  facts.serial_number = decimal_serial(certificate.get());
  facts.subject_key_id = with_colons(X509_get0_subject_key_id(certificate.get()));
  facts.authority_key_id = with_colons(X509_get0_authority_key_id(certificate.get()));
  read_alternative_names(certificate.get(), facts);
  read_extensions(certificate.get(), facts);
  return facts;
}

}  // namespace coffer::authn
