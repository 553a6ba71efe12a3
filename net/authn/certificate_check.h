// Whether a client certificate may log in: its chain against what one role trusts (RFC 5280, 6),
// and its names against the role's globs, by the rules of Vault's certificate method. Pure: time
// comes in as a value; nothing is fetched, neither issuers nor revocation lists.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/bytes.h"
#include "events/base/time.h"
#include "net/authn/certificate_facts.h"

namespace coffer::authn {

inline constexpr std::size_t kChainMax = 10;
inline constexpr std::size_t kRevocationBytesMax = 1024 * 1024;

enum class CertificateFault : std::uint8_t {
  malformed,  // not DER, or too large
  untrusted,  // no chain to a trusted certificate, a broken or weak signature, a bad chain
  expired,
  not_yet_valid,
  wrong_purpose,  // not for TLS clients
  revoked,
  revocation_unknown,  // its issuer's list is over or cannot be checked
  name_mismatch,
  extension_mismatch,
};
[[nodiscard]] std::string_view to_string(CertificateFault fault) noexcept;

// The certificates that one role trusts. Immutable; safe to share between threads.
class TrustedCertificates {
 public:
  // `pem`: one or more certificates. An authority vouches for what it issued; any other certificate
  // for itself alone. `revocation_pem`: lists (CRLs), may be empty; only certificates whose issuer
  // has a list are looked up. Errors: too_large, invalid_argument.
  static Result<TrustedCertificates> parse(std::string_view pem, std::string_view revocation_pem);

  // `chain`: DER, the client's own first, then what it sent with it. Nothing: it is trusted at
  // `now`.
  [[nodiscard]] std::optional<CertificateFault> check(const std::vector<Bytes>& chain,
                                                      Timestamp now) const;

 private:
  struct Store;
  explicit TrustedCertificates(std::shared_ptr<const Store> store) : store_(std::move(store)) {}
  std::shared_ptr<const Store> store_;
};

// Globs as matches_glob; an empty list asks nothing, else one glob must match one of the names.
struct CertificateRules {
  std::vector<std::string> allowed_names{};  // against common name, DNS names and emails
  std::vector<std::string> allowed_common_names{};
  std::vector<std::string> allowed_dns_sans{};
  std::vector<std::string> allowed_email_sans{};
  std::vector<std::string> allowed_uri_sans{};
  std::vector<std::string> allowed_organizational_units{};
  // "OID:glob" against the text, "hex:OID:glob" against the hex of the value. Every one must match;
  // an extension that a certificate has twice matches nothing.
  std::vector<std::string> required_extensions{};
};
[[nodiscard]] std::optional<CertificateFault> check_names(const CertificateFacts& facts,
                                                          const CertificateRules& rules);

}  // namespace coffer::authn
