#include "net/authn/time_claims.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace coffer::authn {
namespace {

constexpr Seconds kDefaultLeeway{150};
constexpr Seconds kDefaultClockSkew{60};
constexpr double kLatestSeconds = 253'402'300'799.0;         // 9999-12-31T23:59:59Z
constexpr double kLatestTimestampSeconds = 9'223'372'036.0;  // what nanoseconds in 64 bits hold

Seconds effective(Seconds configured, Seconds by_default) noexcept {
  if (configured.count < 0) return Seconds{0};
  return configured.count == 0 ? by_default : configured;
}

Judged<std::optional<Timestamp>> time_claim(const json::Value& claims, const char* name) {
  const json::Value* claim = claims.find(name);
  if (claim == nullptr) return std::optional<Timestamp>();
  double seconds = 0;
  const std::string_view text = claim->text();
  const bool is_number =
      claim->kind() == json::Kind::number &&
      std::from_chars(text.data(), text.data() + text.size(), seconds).ec == std::errc();
  if (!is_number || !(seconds >= 0) || seconds > kLatestSeconds)
    return refuse(TokenFault::bad_time, name);
  if (seconds >= kLatestTimestampSeconds)  // the year 2262: as good as never
    return std::optional(Timestamp{std::numeric_limits<std::int64_t>::max()});
  const auto whole = static_cast<std::int64_t>(seconds);
  const double fraction = seconds - static_cast<double>(whole);
  return std::optional(
      Timestamp{whole * 1'000'000'000 + static_cast<std::int64_t>(fraction * 1e9)});
}

}  // namespace

Seconds effective_clock_skew(const Leeways& leeways) noexcept {
  return effective(leeways.clock_skew, kDefaultClockSkew);
}

Judged<TokenTimes> times_of(const json::Value& claims, const Leeways& leeways) {
  const auto exp = time_claim(claims, "exp");
  COFFER_JUDGE(exp);
  const auto nbf = time_claim(claims, "nbf");
  COFFER_JUDGE(nbf);
  const auto iat = time_claim(claims, "iat");
  COFFER_JUDGE(iat);
  if (!*exp && !*nbf && !*iat) return refuse(TokenFault::no_time);

  TokenTimes times{{}, {}, *iat};
  if (*exp) {
    times.end = **exp;
  } else {
    const Timestamp latest_start = std::max(nbf->value_or(Timestamp{}), iat->value_or(Timestamp{}));
    times.end = latest_start + effective(leeways.expiration, kDefaultLeeway);
  }
  if (*nbf) {
    times.start = **nbf;
  } else if (*iat) {
    times.start = **iat;
  } else {
    times.start = times.end + Seconds{-effective(leeways.not_before, kDefaultLeeway).count};
  }
  return times;
}

}  // namespace coffer::authn
