#include "tests/support/test_certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "events/base/check.h"

namespace coffer::test {
namespace {

constexpr long kValidSeconds = 24 * 3600;

std::string new_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "coffer_test_XXXXXX").string();
  COFFER_CHECK(mkdtemp(name.data()) != nullptr);
  return name;
}

void add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  COFFER_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

template <class Write>
void write_file(const std::string& path, Write write) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  COFFER_CHECK(file != nullptr && write(file) == 1);
  std::fclose(file);
}

void write_certificate(const std::string& path, X509* certificate) {
  write_file(path, [certificate](std::FILE* file) { return PEM_write_X509(file, certificate); });
}

}  // namespace

TestCertificate::TestCertificate()
    : folder_(new_folder()), authority_key_(EVP_EC_gen("P-256"), &EVP_PKEY_free) {
  authority_ = make("Test Authority", authority_key_.get(), true, "");
  write_certificate(authority_file(), authority_.get());
  issue("localhost");
}

TestCertificate::~TestCertificate() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void TestCertificate::issue(const std::string& common_name) {
  write({certificate_file(), key_file()}, common_name, "DNS:localhost,IP:127.0.0.1");
}

CertificateFiles TestCertificate::issue_as(const std::string& common_name,
                                           const std::string& alternative_names) {
  const std::string start = folder_ + "/" + common_name;
  CertificateFiles files{start + ".pem", start + ".key"};
  write(files, common_name, alternative_names);
  return files;
}

void TestCertificate::write(const CertificateFiles& files, const std::string& common_name,
                            const std::string& alternative_names) {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate certificate = make(common_name, key.get(), false, alternative_names);
  write_certificate(files.certificate, certificate.get());
  write_file(files.key, [&key](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

TestCertificate::Certificate TestCertificate::make(const std::string& common_name, EVP_PKEY* key,
                                                   bool is_authority,
                                                   const std::string& alternative_names) {
  Certificate certificate(X509_new(), &X509_free);
  X509* raw = certificate.get();
  X509* issuer = is_authority ? raw : authority_.get();
  X509_set_version(raw, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(raw), next_serial_++);
  X509_gmtime_adj(X509_getm_notBefore(raw), -60);
  X509_gmtime_adj(X509_getm_notAfter(raw), kValidSeconds);
  X509_set_pubkey(raw, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(raw, X509_get_subject_name(issuer));
  add_extension(raw, issuer, NID_basic_constraints,
                is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add_extension(raw, issuer, NID_subject_key_identifier, "hash");
  if (is_authority) {
    add_extension(raw, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else if (!alternative_names.empty()) {
    add_extension(raw, issuer, NID_subject_alt_name, alternative_names.c_str());
  }
  COFFER_CHECK(X509_sign(raw, authority_key_.get(), EVP_sha256()) != 0);
  return certificate;
}

}  // namespace coffer::test
