// Wall-clock points and spans as plain values. The core never reads a clock: callers pass `now`.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "events/base/result.h"

namespace coffer {

// Nanoseconds since 1970-01-01T00:00:00Z; 0 means "not set".
struct Timestamp {
  std::int64_t ns = 0;

  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
  [[nodiscard]] bool is_set() const noexcept { return ns != 0; }
  [[nodiscard]] std::int64_t seconds() const noexcept { return ns / 1'000'000'000; }
};

// A span in whole seconds: everything that clients configure (TTLs, delete_version_after).
struct Seconds {
  std::int64_t count = 0;

  friend auto operator<=>(const Seconds&, const Seconds&) = default;
};

// Saturates: an expiry far away must never wrap into the past.
[[nodiscard]] inline Timestamp operator+(Timestamp t, Seconds s) noexcept {
  using Limits = std::numeric_limits<std::int64_t>;
  std::int64_t sum = 0;
  if (__builtin_mul_overflow(s.count, std::int64_t{1'000'000'000}, &sum) ||
      __builtin_add_overflow(t.ns, sum, &sum)) {
    return {s.count < 0 ? Limits::min() : Limits::max()};
  }
  return {sum};
}

// RFC 3339 in UTC with `Z` and a fraction of 0, 3, 6 or 9 digits; "" when not set (KV v2 times).
[[nodiscard]] std::string to_rfc3339(Timestamp time);
// RFC 3339 with trailing zeros of the fraction trimmed (token times, "RFC3339Nano").
[[nodiscard]] std::string to_rfc3339_nano(Timestamp time);
// Go's notation with hours as the largest unit: `0s`, `30m0s`, `72h0m0s`, `-1s`.
[[nodiscard]] std::string to_go_duration(Seconds span);
// Accepts what Vault's duration fields accept: a number of seconds, Go durations (`1h30m`, `1.5h`,
// `90s`, `250ms`) and days (`7d`). Fractions are cut to seconds. "" is 0.
// Errors: invalid_argument.
[[nodiscard]] Result<Seconds> parse_duration(std::string_view text);

}  // namespace coffer
