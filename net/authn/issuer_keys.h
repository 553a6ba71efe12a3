// The keys of token issuers, fetched when needed and kept: a JWKS address, or OIDC discovery of
// one.
//
//   absent --(asked)--> fetching --> known --(fresh_for over, or a key missing)--> known + fetching
//                          |            ^                                               |
//                          +--> failed -+---------------------<-------------------------+
//
// Everyone who waits for an issuer shares its one fetch. An outage keeps the known keys until they
// are `stale_max` old; then there are none. Fetches of one issuer are at least `pause` apart, also
// failed ones, whoever asks: unknown key ids cannot be used to flood an issuer. Keys that an issuer
// removed are gone after the next fetch.
//
// Thread-safe. Callbacks run on the caller's thread when the answer is known, else on the fetch
// thread; they must not block and may call back in here.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "events/base/ports.h"
#include "net/authn/discovery.h"
#include "net/authn/https_fetcher.h"
#include "net/authn/verification_key.h"

namespace coffer::authn {

struct IssuerAddress {
  enum class Kind : std::uint8_t { jwks, discovery };
  Kind kind;
  std::string url;            // of the key set, or the issuer's name
  std::string authority_pem;  // as FetchRequest

  friend auto operator<=>(const IssuerAddress&, const IssuerAddress&) = default;
};

struct IssuerLimits {
  std::size_t issuers_max = 1000;  // the least recently used one that nobody waits for goes first
  std::size_t waiters_max = 1000;  // of one issuer
  Seconds fresh_for{300};          // older keys are used, and fetched again meanwhile
  Seconds stale_max{24 * 3600};    // older keys are not used
  Seconds pause{5};                // between the starts of two fetches of one issuer
};

struct IssuerCounts {
  std::uint64_t fetches = 0;  // started
  std::uint64_t failures = 0;
  std::size_t issuers = 0;
};

class IssuerKeys {
 public:
  // Errors of `done`: those of HttpsFetcher, of parse_jwks and of parse_provider_metadata;
  // overloaded (waiters, issuers); invalid_argument when the issuer has no usable key.
  using Done = std::function<void(Result<KeySetPtr>)>;
  using MetadataDone = std::function<void(Result<ProviderMetadata>)>;

  // `clock` must outlive this.
  explicit IssuerKeys(const Clock& clock, const IssuerLimits& limits = {},
                      const FetchLimits& fetch_limits = {});
  IssuerKeys(const IssuerKeys&) = delete;
  IssuerKeys& operator=(const IssuerKeys&) = delete;
  // Every callback that is owed is called before this returns.
  ~IssuerKeys();

  void find(const IssuerAddress& issuer, Done done);
  // After a token found no key in `tried`: newer keys if there are any or may be fetched now, else
  // `tried` again. A newer set is another pointer.
  void find_newer(const IssuerAddress& issuer, const KeySetPtr& tried, Done done);
  // The metadata of an issuer of kind `discovery`, fetched anew: for configuration and browser
  // logins, not for each token.
  void find_metadata(const IssuerAddress& issuer, MetadataDone done);
  [[nodiscard]] IssuerCounts counts() const;

 private:
  class Table;
  std::shared_ptr<Table> table_;
  std::unique_ptr<HttpsFetcher> fetcher_;
};

}  // namespace coffer::authn
