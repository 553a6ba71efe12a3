// The server's own CA and certificate, for a vault that nobody gave one.
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <ctime>

#include "tools/cofferd/data_folder.h"

namespace coffer::server {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* pointer) const noexcept {
    Free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;

constexpr long kDay = 86400;
constexpr long kCaDays = 3650;
constexpr long kServerDays = 397;
constexpr long kRenewDays = 30;

Error crypto_error(const char* what) {
  return fail(ErrorCode::internal, fmt::format("cannot make a certificate: {}", what));
}

struct Issued {
  Certificate certificate;
  Key key;
};

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// `names`: subjectAltName of a server certificate; empty for the CA.
Result<Issued> issue(const std::string& common_name, const std::string& names, long days,
                     const Issued* issuer) {
  Issued out{Certificate(X509_new()), Key(EVP_EC_gen("P-256"))};
  if (!out.certificate || !out.key) return crypto_error("key generation");
  auto* certificate = out.certificate.get();
  std::array<std::uint8_t, 16> serial{};
  if (RAND_bytes(serial.data(), serial.size()) != 1) return crypto_error("randomness");
  serial[0] &= 0x7F;
  const std::unique_ptr<BIGNUM, Freer<BN_free>> number(
      BN_bin2bn(serial.data(), serial.size(), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
  X509_set_version(certificate, 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -300);
  X509_gmtime_adj(X509_getm_notAfter(certificate), days * kDay);
  X509_set_pubkey(certificate, out.key.get());
  auto* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  auto* issuing = issuer != nullptr ? issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuing));
  const bool is_ca = issuer == nullptr;
  bool extended =
      add_extension(certificate, issuing, NID_basic_constraints,
                    is_ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE") &&
      add_extension(certificate, issuing, NID_key_usage,
                    is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
      add_extension(certificate, issuing, NID_subject_key_identifier, "hash");
  if (!is_ca)
    extended = extended &&
               add_extension(certificate, issuing, NID_authority_key_identifier, "keyid") &&
               add_extension(certificate, issuing, NID_ext_key_usage, "serverAuth") &&
               add_extension(certificate, issuing, NID_subject_alt_name, names);
  if (!extended) return crypto_error("extensions");
  auto* signer = issuer != nullptr ? issuer->key.get() : out.key.get();
  if (X509_sign(certificate, signer, EVP_sha256()) == 0) return crypto_error("signature");
  return out;
}

Result<void> store(const Issued& issued, const std::string& certificate_path,
                   const std::string& key_path) {
  const Bio certificate(BIO_new(BIO_s_mem()));
  const Bio key(BIO_new(BIO_s_secmem()));
  if (!certificate || !key ||
      PEM_write_bio_X509(certificate.get(), issued.certificate.get()) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key.get(), issued.key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1)
    return crypto_error("encoding");
  const auto write = [](BIO* bio, const std::string& path) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    return write_private_file(path, as_bytes({data, static_cast<std::size_t>(size)}));
  };
  COFFER_TRY(write(key.get(), key_path));
  return write(certificate.get(), certificate_path);
}

Result<Issued> load(const std::string& certificate_path, const std::string& key_path) {
  const Bio certificate(BIO_new_file(certificate_path.c_str(), "r"));
  const Bio key(BIO_new_file(key_path.c_str(), "r"));
  if (!certificate || !key) return fail(ErrorCode::not_found, certificate_path);
  Issued out{Certificate(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr)),
             Key(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr))};
  if (!out.certificate || !out.key)
    return fail(ErrorCode::invalid_argument, "cannot read " + certificate_path);
  return out;
}

std::string alternative_names(const std::string& address) {
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0')
    names += fmt::format(",DNS:{}", host.data());
  if (address != "127.0.0.1" && address != "::1" && address != "0.0.0.0" && address != "::")
    names += fmt::format(",IP:{}", address);
  return names;
}

bool ends_soon(const Certificate& certificate) {
  std::time_t limit = std::time(nullptr) + kRenewDays * kDay;
  return X509_cmp_time(X509_get0_notAfter(certificate.get()), &limit) < 0;
}

}  // namespace

Result<void> prepare_certificate(Config& config) {
  if (!config.http.certificate_file.empty()) return {};
  const auto folder = config.data_dir + "/tls";
  COFFER_TRY(make_folder(folder));
  const auto ca_path = config.data_dir + "/ca.pem";
  const auto ca_key_path = folder + "/ca.key";
  config.http.certificate_file = folder + "/server.pem";
  config.http.key_file = folder + "/server.key";
  auto ca = load(ca_path, ca_key_path);
  const bool made = !ca && ca.error().code == ErrorCode::not_found;
  if (made) {
    ca = issue("Coffer own CA", "", kCaDays, nullptr);
    if (ca) COFFER_TRY(store(*ca, ca_path, ca_key_path));
  }
  if (!ca) return ca.error();
  auto server = load(config.http.certificate_file, config.http.key_file);
  if (!made && server && !ends_soon(server->certificate)) return {};
  COFFER_ASSIGN(auto fresh,
                issue("coffer", alternative_names(config.http.address), kServerDays, &*ca));
  return store(fresh, config.http.certificate_file, config.http.key_file);
}

}  // namespace coffer::server
