#include "net/authn/token_verifier.h"

namespace coffer::authn {
namespace {

// Whether newer keys of the issuer might make the token good.
bool is_key_missing(const Refusal& refusal, std::string_view token) {
  if (refusal.fault == TokenFault::unknown_key) return true;
  if (refusal.fault != TokenFault::bad_signature) return false;
  const auto parsed = parse_token(token);
  return parsed.ok() && !parsed->header.kid;
}

}  // namespace

void TokenVerifier::verify(VerifyTask task, Done done) {
  const auto shared = std::make_shared<const VerifyTask>(std::move(task));
  const std::string_view token = shared->token->expose_text();
  if (auto known = cache_.find({shared->mount, shared->generation}, token, shared->now)) {
    const auto suits = check_options(known->header(), shared->options);
    return done(suits ? Judged<VerifiedTokenPtr>(std::move(known)) : suits.refusal());
  }
  if (const auto* keys = std::get_if<KeySetPtr>(&shared->source))
    return check_with(shared, *keys, Attempt::last, done);
  // With no keys at all, only what no key could mend is refused.
  const auto judged = verify_token(token, KeySet(), shared->options);
  if (judged.refusal().fault != TokenFault::unknown_key) return done(judged);
  issuers_.find(std::get<IssuerAddress>(shared->source),
                [this, shared, done = std::move(done)](const Result<KeySetPtr>& keys) {
                  check_with(shared, keys, Attempt::first, done);
                });
}

void TokenVerifier::check_with(const TaskPtr& task, const Result<KeySetPtr>& keys, Attempt attempt,
                               const Done& done) {
  if (!keys) return done(keys.error());
  const std::string_view token = task->token->expose_text();
  auto judged = verify_token(token, **keys, task->options);
  if (judged) {
    if (const auto end = end_of_token((*judged)->claims(), task->leeways))
      cache_.insert({task->mount, task->generation}, token, *judged, task->now, *end);
    return done(std::move(judged));
  }
  if (attempt == Attempt::last || !is_key_missing(judged.refusal(), token))
    return done(std::move(judged));
  issuers_.find_newer(
      std::get<IssuerAddress>(task->source), *keys,
      [this, task, tried = *keys, refused = judged, done](const Result<KeySetPtr>& newer) {
        // No newer keys: what was found with the known ones stands.
        if (!newer || *newer == tried) return done(refused);
        check_with(task, newer, Attempt::last, done);
      });
}

}  // namespace coffer::authn
