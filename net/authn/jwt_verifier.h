// Signature check of a whole token. Only what verify_token returns holds claims to act on; whether
// they suit a role is the business of claim_rules.h. Pure: no clock, no I/O.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "events/json/json_value.h"
#include "net/authn/jws.h"
#include "net/authn/verification_key.h"

namespace coffer::authn {

struct VerifyOptions {
  AlgorithmSet algorithms = AlgorithmSet::all();
  std::string type;  // `typ` that the token must have, as in is_type(); empty: any or none
};

// Refusals: unsupported_algorithm, wrong_type.
[[nodiscard]] Judged<Accepted> check_options(const TokenHeader& header,
                                             const VerifyOptions& options);

// A token whose signature is good. Immutable, so it may be shared between threads.
class VerifiedToken {
 public:
  [[nodiscard]] const TokenHeader& header() const noexcept { return header_; }
  [[nodiscard]] const json::Value& claims() const noexcept { return claims_.root(); }

 private:
  friend Judged<std::shared_ptr<const VerifiedToken>> verify_token(std::string_view, const KeySet&,
                                                                   const VerifyOptions&);
  VerifiedToken(TokenHeader header, json::Document claims)
      : header_(std::move(header)), claims_(std::move(claims)) {}

  TokenHeader header_;
  json::Document claims_;
};
using VerifiedTokenPtr = std::shared_ptr<const VerifiedToken>;

// Refusals: those of parse_token, of check_options, of KeySet::candidates; bad_signature.
[[nodiscard]] Judged<VerifiedTokenPtr> verify_token(std::string_view token, const KeySet& keys,
                                                    const VerifyOptions& options = {});

}  // namespace coffer::authn
