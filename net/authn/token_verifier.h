// The signature check of bearer tokens against keys that may have to be fetched first: cache, keys,
// check, and once more with newer keys when a key was missing. Claims are the caller's next step
// (claim_rules.h). Thread-safe; callbacks run as those of IssuerKeys.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "net/authn/claim_rules.h"
#include "net/authn/issuer_keys.h"
#include "net/authn/jwt_verifier.h"
#include "net/authn/verified_token_cache.h"

namespace coffer::authn {

// Where the keys of a mount come from: configured (never null), or an issuer's.
using KeySource = std::variant<KeySetPtr, IssuerAddress>;

struct VerifyTask {
  std::string mount;             // CacheScope
  std::uint64_t generation = 0;  // CacheScope
  KeySource source;
  VerifyOptions options;
  Leeways leeways;  // for the end of the cache's entry
  std::shared_ptr<const SecretBytes> token;
  Timestamp now;
};

class TokenVerifier {
 public:
  // The outer error: the keys cannot be had (those of IssuerKeys). The inner one: the token is
  // refused. `done` is called once.
  using Done = std::function<void(Result<Judged<VerifiedTokenPtr>>)>;

  // Both must outlive this and every callback.
  TokenVerifier(IssuerKeys& issuers, VerifiedTokenCache& cache)
      : issuers_(issuers), cache_(cache) {}

  // A token that is malformed, or of another issuer's shape, never causes a fetch: its form and
  // header are checked first. Newer keys are asked for when the key is unknown, or when a token
  // without `kid` fits no known one.
  void verify(VerifyTask task, Done done);

 private:
  using TaskPtr = std::shared_ptr<const VerifyTask>;
  enum class Attempt { first, last };

  void check_with(const TaskPtr& task, const Result<KeySetPtr>& keys, Attempt attempt,
                  const Done& done);

  IssuerKeys& issuers_;
  VerifiedTokenCache& cache_;
};

}  // namespace coffer::authn
