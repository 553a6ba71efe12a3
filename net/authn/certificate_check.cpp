#include "net/authn/certificate_check.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <initializer_list>

#include "net/authn/claim_rules.h"
#include "net/authn/openssl_handles.h"
#include "net/authn/pem_keys.h"

namespace coffer::authn {
namespace {

using StoreHandle = OpensslHandle<X509_STORE, X509_STORE_free>;
using StoreContext = OpensslHandle<X509_STORE_CTX, X509_STORE_CTX_free>;
using RevocationList = OpensslHandle<X509_CRL, X509_CRL_free>;

constexpr int kAuthLevel = 2;  // 112 bits: no SHA-1, no RSA below 2048

struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_pop_free(stack, X509_free); }
};
using CertificateStack = std::unique_ptr<STACK_OF(X509), FreeStack>;

Source source_of(std::string_view text) {
  return Source(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// True at the end of the PEM text, false for a block that is broken.
bool is_at_end() noexcept {
  return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

Certificate to_certificate(const Bytes& der) {
  if (der.size() > kCertificateBytesMax) return nullptr;
  const unsigned char* at = der.data();
  Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  return at == der.data() + der.size() ? std::move(certificate) : nullptr;
}

// An issuer without a list revokes nothing. All else stands.
int pass_missing_list(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  if (X509_STORE_CTX_get_error(context) != X509_V_ERR_UNABLE_TO_GET_CRL) return 0;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

CertificateFault fault_of(int error) noexcept {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return CertificateFault::expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return CertificateFault::not_yet_valid;
    case X509_V_ERR_INVALID_PURPOSE:
      return CertificateFault::wrong_purpose;
    case X509_V_ERR_CERT_REVOKED:
      return CertificateFault::revoked;
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
      return CertificateFault::revocation_unknown;
    default:
      return CertificateFault::untrusted;
  }
}

Result<std::size_t> add_certificates(X509_STORE* store, std::string_view pem) {
  if (pem.size() > kPemBytesMax)
    return fail(ErrorCode::too_large, "the trusted certificates are too large");
  const Source source = source_of(pem);
  std::size_t count = 0;
  while (
      const Certificate certificate{PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1)
      return fail(ErrorCode::internal, "a trusted certificate cannot be added");
    ++count;
  }
  if (!is_at_end()) return fail(ErrorCode::invalid_argument, "a trusted certificate is broken");
  return count;
}

Result<std::size_t> add_lists(X509_STORE* store, std::string_view pem) {
  if (pem.size() > kRevocationBytesMax)
    return fail(ErrorCode::too_large, "the revocation lists are too large");
  const Source source = source_of(pem);
  std::size_t count = 0;
  while (
      const RevocationList list{PEM_read_bio_X509_CRL(source.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_crl(store, list.get()) != 1)
      return fail(ErrorCode::internal, "a revocation list cannot be added");
    ++count;
  }
  if (!is_at_end()) return fail(ErrorCode::invalid_argument, "a revocation list is broken");
  return count;
}

bool is_allowed(const std::vector<std::string>& globs,
                std::initializer_list<const std::vector<std::string>*> names) {
  if (globs.empty()) return true;
  return std::ranges::any_of(names, [&](const std::vector<std::string>* list) {
    return std::ranges::any_of(*list, [&](const std::string& name) {
      return std::ranges::any_of(globs,
                                 [&](const std::string& glob) { return matches_glob(glob, name); });
    });
  });
}

bool has_extension(const CertificateFacts& facts, std::string_view required) {
  constexpr std::string_view kHex = "hex:";
  const bool by_hex = required.starts_with(kHex);
  if (by_hex) required.remove_prefix(kHex.size());
  const std::size_t colon = required.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view oid = required.substr(0, colon), glob = required.substr(colon + 1);
  const auto is_it = [oid](const CertificateExtension& found) { return found.oid == oid; };
  const auto found = std::ranges::find_if(facts.extensions, is_it);
  if (found == facts.extensions.end() || std::ranges::count_if(facts.extensions, is_it) != 1)
    return false;
  if (by_hex) return matches_glob(glob, found->hex);
  return found->text && matches_glob(glob, *found->text);
}

}  // namespace

struct TrustedCertificates::Store {
  StoreHandle handle{X509_STORE_new()};
  bool has_lists = false;
};

std::string_view to_string(CertificateFault fault) noexcept {
  switch (fault) {
    case CertificateFault::malformed:
      return "malformed";
    case CertificateFault::untrusted:
      return "untrusted";
    case CertificateFault::expired:
      return "expired";
    case CertificateFault::not_yet_valid:
      return "not_yet_valid";
    case CertificateFault::wrong_purpose:
      return "wrong_purpose";
    case CertificateFault::revoked:
      return "revoked";
    case CertificateFault::revocation_unknown:
      return "revocation_unknown";
    case CertificateFault::name_mismatch:
      return "name_mismatch";
    case CertificateFault::extension_mismatch:
      return "extension_mismatch";
  }
  return "unknown";
}

Result<TrustedCertificates> TrustedCertificates::parse(std::string_view pem,
                                                       std::string_view revocation_pem) {
  const DropErrors drop;
  auto store = std::make_shared<Store>();
  if (store->handle == nullptr) return fail(ErrorCode::internal, "out of memory");
  COFFER_ASSIGN(const std::size_t certificates, add_certificates(store->handle.get(), pem));
  if (certificates == 0)
    return fail(ErrorCode::invalid_argument, "no trusted certificate in the text");
  COFFER_ASSIGN(const std::size_t lists, add_lists(store->handle.get(), revocation_pem));
  if (lists == 0 && !revocation_pem.empty())
    return fail(ErrorCode::invalid_argument, "no revocation list in the text");
  store->has_lists = lists > 0;
  return TrustedCertificates(std::move(store));
}

std::optional<CertificateFault> TrustedCertificates::check(const std::vector<Bytes>& chain,
                                                           Timestamp now) const {
  const DropErrors drop;
  if (chain.empty() || chain.size() > kChainMax) return CertificateFault::malformed;
  const Certificate leaf = to_certificate(chain.front());
  const CertificateStack others(sk_X509_new_null());
  if (leaf == nullptr || others == nullptr) return CertificateFault::malformed;
  for (std::size_t i = 1; i < chain.size(); ++i) {
    Certificate other = to_certificate(chain[i]);
    if (other == nullptr || sk_X509_push(others.get(), other.get()) <= 0)
      return CertificateFault::malformed;
    static_cast<void>(other.release());  // the stack's now
  }
  const StoreContext context(X509_STORE_CTX_new());
  if (context == nullptr ||
      X509_STORE_CTX_init(context.get(), store_->handle.get(), leaf.get(), others.get()) != 1)
    return CertificateFault::untrusted;
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  // A trusted certificate ends the chain, be it a root or not: so a leaf can be pinned.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_CLIENT);
  X509_VERIFY_PARAM_set_auth_level(parameters, kAuthLevel);
  X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(kChainMax));
  X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(now.seconds()));
  if (store_->has_lists) {
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_STORE_CTX_set_verify_cb(context.get(), &pass_missing_list);
  }
  if (X509_verify_cert(context.get()) == 1) return std::nullopt;
  return fault_of(X509_STORE_CTX_get_error(context.get()));
}

std::optional<CertificateFault> check_names(const CertificateFacts& facts,
                                            const CertificateRules& rules) {
  const std::vector<std::string> common_name = {facts.common_name};
  const bool names_fit =
      is_allowed(rules.allowed_names, {&common_name, &facts.dns_names, &facts.emails}) &&
      is_allowed(rules.allowed_common_names, {&common_name}) &&
      is_allowed(rules.allowed_dns_sans, {&facts.dns_names}) &&
      is_allowed(rules.allowed_email_sans, {&facts.emails}) &&
      is_allowed(rules.allowed_uri_sans, {&facts.uris}) &&
      is_allowed(rules.allowed_organizational_units, {&facts.organizational_units});
  if (!names_fit) return CertificateFault::name_mismatch;
  const bool extensions_fit = std::ranges::all_of(
      rules.required_extensions,
      [&](const std::string& required) { return has_extension(facts, required); });
  if (!extensions_fit) return CertificateFault::extension_mismatch;
  return std::nullopt;
}

}  // namespace coffer::authn
