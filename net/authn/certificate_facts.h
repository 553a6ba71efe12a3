// What a client certificate says about its owner. Pure; says nothing about trust.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/bytes.h"
#include "events/base/result.h"

namespace coffer::authn {

inline constexpr std::size_t kCertificateBytesMax = 64 * 1024;

struct CertificateExtension {
  std::string oid;                  // dotted
  std::optional<std::string> text;  // UTF-8, when the value is one ASN.1 string
  std::string hex;                  // the whole value
};

struct CertificateFacts {
  std::string common_name;       // the last one of the subject; empty when none
  std::string serial_number;     // decimal
  std::string subject_key_id;    // "aa:bb:..."; empty when none
  std::string authority_key_id;  // the same
  std::vector<std::string> organizational_units;
  std::vector<std::string> dns_names;
  std::vector<std::string> emails;
  std::vector<std::string> uris;
  std::vector<CertificateExtension> extensions;
};

// Errors: too_large, invalid_argument (no DER certificate, or bytes behind it).
[[nodiscard]] Result<CertificateFacts> read_certificate(BytesView der);

}  // namespace coffer::authn
