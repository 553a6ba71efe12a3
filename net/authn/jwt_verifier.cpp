#include "net/authn/jwt_verifier.h"

#include <algorithm>

namespace coffer::authn {

Judged<Accepted> check_options(const TokenHeader& header, const VerifyOptions& options) {
  if (!options.algorithms.has(header.algorithm)) return refuse(TokenFault::unsupported_algorithm);
  if (!options.type.empty() && !is_type(header, options.type))
    return refuse(TokenFault::wrong_type);
  return Accepted{};
}

Judged<VerifiedTokenPtr> verify_token(std::string_view token, const KeySet& keys,
                                      const VerifyOptions& options) {
  auto parsed = parse_token(token);
  COFFER_JUDGE(parsed);
  const TokenHeader& header = parsed->header;
  COFFER_JUDGE(check_options(header, options));
  const auto candidates = keys.candidates(header.kid, header.algorithm);
  COFFER_JUDGE(candidates);
  const bool is_signed = std::ranges::any_of(*candidates, [&](const VerificationKey* key) {
    return verify_signature(*key, header.algorithm, parsed->signed_text, parsed->signature);
  });
  if (!is_signed) return refuse(TokenFault::bad_signature);
  return VerifiedTokenPtr(new VerifiedToken(std::move(parsed->header), std::move(parsed->claims)));
}

}  // namespace coffer::authn
