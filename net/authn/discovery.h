// OpenID Provider Metadata (OpenID Connect Discovery 1.0, 3 and 4). Pure.
#pragma once

#include <string>
#include <string_view>

#include "events/base/result.h"

namespace coffer::authn {

inline constexpr std::size_t kDiscoveryBytesMax = 64 * 1024;

struct ProviderMetadata {
  std::string issuer;
  std::string jwks_uri;                // https
  std::string authorization_endpoint;  // https, or empty when there is none
  std::string token_endpoint;          // the same
};

// Where the metadata of an issuer lies.
[[nodiscard]] std::string discovery_url(std::string_view issuer);
// Errors: too_large; invalid_argument when it is no such document, when an address is not https, or
// when its issuer is not exactly `issuer` (4.3: else anybody's keys would do).
[[nodiscard]] Result<ProviderMetadata> parse_provider_metadata(std::string_view text,
                                                               std::string_view issuer);

}  // namespace coffer::authn
