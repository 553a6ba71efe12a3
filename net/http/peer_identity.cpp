#include "net/http/peer_identity.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

namespace coffer::net {
namespace {

struct GeneralNamesFree {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

// The identity travels in a header and in log lines.
bool is_plain(std::string_view name) noexcept {
  return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

void add_name(const ASN1_STRING* text, std::vector<std::string>& names) {
  const std::string_view name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                              static_cast<std::size_t>(ASN1_STRING_length(text)));
  if (is_plain(name)) names.emplace_back(name);
}

void add_alternative_names(const X509* certificate, std::vector<std::string>& names) {
  const std::unique_ptr<GENERAL_NAMES, GeneralNamesFree> entries(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(entries.get()); ++i) {
    const GENERAL_NAME* entry = sk_GENERAL_NAME_value(entries.get(), i);
    if (entry->type == GEN_DNS) add_name(entry->d.dNSName, names);
    if (entry->type == GEN_URI) add_name(entry->d.uniformResourceIdentifier, names);
  }
}

void add_common_name(const X509* certificate, std::vector<std::string>& names) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return;
  add_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), names);
}

std::vector<std::string> verified_names(const SSL* connection) {
  const X509* certificate = SSL_get0_peer_certificate(connection);
  if (certificate == nullptr || SSL_get_verify_result(connection) != X509_V_OK) return {};
  return certificate_names(certificate);
}

}  // namespace

std::vector<std::string> certificate_names(const X509* certificate) {
  std::vector<std::string> names;
  add_alternative_names(certificate, names);
  if (names.empty()) add_common_name(certificate, names);
  return names;
}

std::string peer_identity(const SSL* connection) {
  auto names = verified_names(connection);
  return names.empty() ? std::string() : std::move(names.front());
}

bool peer_has_identity(const SSL* connection, std::string_view identity) {
  const auto names = verified_names(connection);
  return std::find(names.begin(), names.end(), identity) != names.end();
}

}  // namespace coffer::net
