#include "events/base/time.h"

#include <chrono>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace coffer {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

using Wide = __int128;

// Up to the second; `fraction_ns` gets the rest, 0..999'999'999 also for times before 1970.
std::string format_seconds(Timestamp time, std::int64_t& fraction_ns) {
  namespace chrono = std::chrono;
  // By hand: rounding the earliest points down in nanoseconds would overflow.
  fraction_ns = time.ns % kNsPerSecond;
  std::int64_t whole = time.ns / kNsPerSecond;
  if (fraction_ns < 0) {
    fraction_ns += kNsPerSecond;
    --whole;
  }
  const chrono::sys_seconds second{chrono::seconds{whole}};
  const auto day = chrono::floor<chrono::days>(second);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss clock{second - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

// A value that ends in the wrong field may be a secret, so no error repeats it.
Error invalid_duration() {
  return fail(ErrorCode::invalid_argument, "time: invalid duration");
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Decimal digits at the front of `rest`, which moves past them. The value stops growing where it
// no longer fits a span anyway, so that no input length can overflow it.
struct Digits {
  Wide value = 0;
  std::size_t count = 0;
  bool too_large = false;
};
Digits take_digits(std::string_view& rest) {
  Digits digits;
  while (!rest.empty() && is_digit(rest.front())) {
    if (digits.value > std::numeric_limits<std::int64_t>::max() / 10) digits.too_large = true;
    if (!digits.too_large) digits.value = digits.value * 10 + (rest.front() - '0');
    ++digits.count;
    rest.remove_prefix(1);
  }
  return digits;
}

// Digits after the point as nanoseconds of a unit of `unit_ns`; digits beyond the 18th are below
// any precision kept and are skipped.
std::int64_t fraction_of(std::string_view digits, std::int64_t unit_ns) {
  Wide value = 0;
  Wide scale = 1;
  for (const char c : digits.substr(0, 18)) {
    value = value * 10 + (c - '0');
    scale *= 10;
  }
  return static_cast<std::int64_t>(value * unit_ns / scale);
}

std::optional<std::int64_t> unit_ns(std::string_view unit) {
  if (unit == "h") return 3600 * kNsPerSecond;
  if (unit == "m") return 60 * kNsPerSecond;
  if (unit == "s") return kNsPerSecond;
  if (unit == "ms") return 1'000'000;
  // The micro sign and the Greek letter mu, as UTF-8.
  if (unit == "us" || unit == "\xC2\xB5s" || unit == "\xCE\xBCs") return 1'000;
  if (unit == "ns") return 1;
  return std::nullopt;
}

std::string_view take_unit(std::string_view& rest) {
  std::size_t size = 0;
  while (size < rest.size() && rest[size] != '.' && !is_digit(rest[size])) ++size;
  const auto unit = rest.substr(0, size);
  rest.remove_prefix(size);
  return unit;
}

// Cuts to whole seconds towards zero. The bound is that of a span of nanoseconds in 64 bits, which
// is what every client can represent.
Result<Seconds> to_seconds(Wide ns, bool negative) {
  const Wide limit = Wide{std::numeric_limits<std::int64_t>::max()} + (negative ? 1 : 0);
  if (ns > limit) return invalid_duration();
  const auto seconds = static_cast<std::int64_t>(ns / kNsPerSecond);
  return Seconds{negative ? -seconds : seconds};
}

// One `number unit` group of Go's notation; moves `rest` past it.
Result<Wide> take_group(std::string_view& rest) {
  const auto whole = take_digits(rest);
  std::string_view fraction;
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    const auto before = rest;
    fraction = before.substr(0, take_digits(rest).count);
  }
  if ((whole.count == 0 && fraction.empty()) || whole.too_large) return invalid_duration();
  const auto unit = take_unit(rest);
  if (unit.empty()) {
    return fail(ErrorCode::invalid_argument, "time: missing unit in duration");
  }
  const auto scale = unit_ns(unit);
  if (!scale) {
    return fail(ErrorCode::invalid_argument, "time: unknown unit in duration");
  }
  return whole.value * *scale + fraction_of(fraction, *scale);
}

Result<Seconds> parse_groups(std::string_view rest, bool negative) {
  Wide total = 0;
  while (!rest.empty()) {
    COFFER_ASSIGN(const auto group, take_group(rest));
    total += group;
    if (total > Wide{std::numeric_limits<std::int64_t>::max()} + 1) return invalid_duration();
  }
  return to_seconds(total, negative);
}

}  // namespace

std::string to_rfc3339(Timestamp time) {
  if (!time.is_set()) return "";
  std::int64_t fraction = 0;
  auto out = format_seconds(time, fraction);
  if (fraction == 0) return out + "Z";
  if (fraction % 1'000'000 == 0) return out + fmt::format(".{:03}Z", fraction / 1'000'000);
  if (fraction % 1'000 == 0) return out + fmt::format(".{:06}Z", fraction / 1'000);
  return out + fmt::format(".{:09}Z", fraction);
}

std::string to_rfc3339_nano(Timestamp time) {
  if (!time.is_set()) return "";
  std::int64_t fraction = 0;
  auto out = format_seconds(time, fraction);
  if (fraction != 0) {
    out += fmt::format(".{:09}", fraction);
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out + "Z";
}

std::string to_go_duration(Seconds span) {
  // Unsigned, since the most negative count has no positive twin.
  const auto count = static_cast<std::uint64_t>(span.count);
  const std::uint64_t total = span.count < 0 ? 0 - count : count;
  const std::string_view sign = span.count < 0 ? "-" : "";
  const auto hours = total / 3600;
  const auto minutes = total / 60 % 60;
  const auto seconds = total % 60;
  if (hours != 0) return fmt::format("{}{}h{}m{}s", sign, hours, minutes, seconds);
  if (minutes != 0) return fmt::format("{}{}m{}s", sign, minutes, seconds);
  return fmt::format("{}{}s", sign, seconds);
}

Result<Seconds> parse_duration(std::string_view text) {
  if (text.empty()) return Seconds{0};
  auto rest = text;
  const bool negative = rest.front() == '-';
  if (negative || rest.front() == '+') rest.remove_prefix(1);
  auto after_number = rest;
  const auto number = take_digits(after_number);
  const bool days = after_number == "d";
  if (number.count != 0 && (after_number.empty() || days)) {
    if (number.too_large) return invalid_duration();
    return to_seconds(number.value * (days ? 86'400 : 1) * kNsPerSecond, negative);
  }
  if (rest.empty()) return invalid_duration();
  return parse_groups(rest, negative);
}

}  // namespace coffer
