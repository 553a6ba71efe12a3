#include "net/authn/claim_rules.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

#include "net/authn/time_claims.h"

namespace coffer::authn {
namespace {

constexpr double kExactIntegersMax = 9'007'199'254'740'992.0;  // 2^53

Judged<Accepted> check_times(const json::Value& claims, const Leeways& leeways, Timestamp now) {
  const auto times = times_of(claims, leeways);
  COFFER_JUDGE(times);
  const Seconds skew = effective_clock_skew(leeways);
  if (now > times->end + skew) return refuse(TokenFault::expired);
  const Timestamp latest = now + skew;
  if (latest < times->start) return refuse(TokenFault::not_yet_valid);
  if (times->issued_at && latest < *times->issued_at) return refuse(TokenFault::issued_in_future);
  return Accepted{};
}

// An absent claim is the empty text.
Judged<std::string_view> text_claim(const json::Value& claims, const char* name) {
  const json::Value* claim = claims.find(name);
  if (claim == nullptr) return std::string_view();
  if (!claim->is_string()) return refuse(TokenFault::malformed_claims, name);
  return claim->text();
}

// A claim as the list of its values: of itself when it is no list.
std::span<const json::Value* const> values_of(const json::Value* const& claim) noexcept {
  return claim->is_array() ? claim->items() : std::span(&claim, 1);
}

Judged<Accepted> check_audience(const json::Value& claims,
                                const std::vector<std::string>& audiences) {
  const json::Value* claim = claims.find("aud");
  if (claim == nullptr)
    return audiences.empty() ? Judged<Accepted>(Accepted{}) : refuse(TokenFault::wrong_audience);
  const auto named = values_of(claim);
  if (!std::ranges::all_of(named, &json::Value::is_string))
    return refuse(TokenFault::malformed_claims, "aud");
  if (audiences.empty()) return refuse(TokenFault::unbound_audience);
  for (const json::Value* audience : named) {
    if (std::ranges::find(audiences, audience->text()) != audiences.end()) return Accepted{};
  }
  return refuse(TokenFault::wrong_audience);
}

std::optional<double> to_double(std::string_view text) noexcept {
  double value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

// By text, or by value where a double holds it exactly enough: neighbours of big integers differ.
bool equal_numbers(std::string_view a, std::string_view b) noexcept {
  if (a == b) return true;
  const auto x = to_double(a);
  const auto y = to_double(b);
  return x && y && *x == *y && std::abs(*x) < kExactIntegersMax;
}

bool is_match(const json::Value& actual, const ClaimScalar& wanted, bool globs) noexcept {
  if (actual.kind() != wanted.kind) return false;
  switch (wanted.kind) {
    case json::Kind::string:
      return globs ? matches_glob(wanted.text, actual.text()) : actual.text() == wanted.text;
    case json::Kind::number:
      return equal_numbers(actual.text(), wanted.text);
    case json::Kind::boolean:
      return wanted.text == (actual.boolean() ? "true" : "false");
    case json::Kind::null:
    case json::Kind::array:
    case json::Kind::object:
      return false;
  }
  return false;
}

Judged<Accepted> check_bound_claim(const json::Value& claims, const BoundClaim& bound, bool globs) {
  const json::Value* claim = find_claim(claims, bound.name);
  if (claim == nullptr || claim->is_null()) return refuse(TokenFault::claim_missing, bound.name);
  if (claim->is_object()) return refuse(TokenFault::claim_type, bound.name);
  for (const json::Value* actual : values_of(claim)) {
    for (const ClaimScalar& wanted : bound.values) {
      if (is_match(*actual, wanted, globs)) return Accepted{};
    }
  }
  return refuse(TokenFault::claim_mismatch, bound.name);
}

}  // namespace

Judged<Accepted> check_claims(const json::Value& claims, const ClaimRules& rules, Timestamp now) {
  COFFER_JUDGE(check_times(claims, rules.leeways, now));
  const auto issuer = text_claim(claims, "iss");
  COFFER_JUDGE(issuer);
  if (!rules.issuer.empty() && *issuer != rules.issuer) return refuse(TokenFault::wrong_issuer);
  const auto subject = text_claim(claims, "sub");
  COFFER_JUDGE(subject);
  if (!rules.subject.empty() && *subject != rules.subject) return refuse(TokenFault::wrong_subject);
  COFFER_JUDGE(check_audience(claims, rules.audiences));
  for (const BoundClaim& bound : rules.bound_claims)
    COFFER_JUDGE(check_bound_claim(claims, bound, rules.globs));
  return Accepted{};
}

std::optional<Timestamp> end_of_token(const json::Value& claims, const Leeways& leeways) {
  const auto times = times_of(claims, leeways);
  if (!times) return std::nullopt;
  return times->end + effective_clock_skew(leeways);
}

}  // namespace coffer::authn
