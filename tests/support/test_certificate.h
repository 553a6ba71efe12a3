// A certificate authority and certificates of it for localhost, 127.0.0.1 and other names, made in
// the process (P-256), so that no key lies in the repository. Files live in a folder that dies with
// the object.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace coffer::test {

struct CertificateFiles {
  std::string certificate;
  std::string key;
};

class TestCertificate {
 public:
  TestCertificate();
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;
  ~TestCertificate();

  [[nodiscard]] std::string certificate_file() const { return folder_ + "/server.pem"; }
  [[nodiscard]] std::string key_file() const { return folder_ + "/server.key"; }
  [[nodiscard]] std::string authority_file() const { return folder_ + "/authority.pem"; }
  // Writes a new key and certificate of the same authority over the files.
  void issue(const std::string& common_name);
  // A certificate in files of its own, named after `common_name`. `alternative_names` as OpenSSL
  // writes them ("DNS:a,URI:b"); none: no such extension.
  CertificateFiles issue_as(const std::string& common_name, const std::string& alternative_names);

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  [[nodiscard]] Certificate make(const std::string& common_name, EVP_PKEY* key, bool is_authority,
                                 const std::string& alternative_names);
  void write(const CertificateFiles& files, const std::string& common_name,
             const std::string& alternative_names);

  std::string folder_;
  Key authority_key_;
  Certificate authority_{nullptr, &X509_free};
  long next_serial_ = 1;
};

}  // namespace coffer::test
