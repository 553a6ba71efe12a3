#include "events/base/time.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <limits>

using namespace coffer;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kSpanSecondsMax = std::numeric_limits<std::int64_t>::max() / kSecond;

struct FormatRow {
  const char* name;
  std::int64_t ns;
  const char* rfc3339;
  const char* rfc3339_nano;
};

const FormatRow kFormatRows[] = {
    {"not set is empty", 0, "", ""},
    {"whole seconds carry no fraction", 1'795'510'842 * kSecond, "2026-11-24T09:00:42Z",
     "2026-11-24T09:00:42Z"},
    {"milliseconds take three digits", 1'795'510'842 * kSecond + 120'000'000,
     "2026-11-24T09:00:42.120Z", "2026-11-24T09:00:42.12Z"},
    {"microseconds take six digits", 1'795'510'842 * kSecond + 123'450'000,
     "2026-11-24T09:00:42.123450Z", "2026-11-24T09:00:42.12345Z"},
    {"nanoseconds take nine digits", 1'795'510'842 * kSecond + 123'456'780,
     "2026-11-24T09:00:42.123456780Z", "2026-11-24T09:00:42.12345678Z"},
    {"leading zeros of the fraction stay", 1'795'510'842 * kSecond + 1,
     "2026-11-24T09:00:42.000000001Z", "2026-11-24T09:00:42.000000001Z"},
    {"leap day", 1'709'164'800 * kSecond, "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
    {"before 1970 the fraction still counts upwards", -1, "1969-12-31T23:59:59.999999999Z",
     "1969-12-31T23:59:59.999999999Z"},
    {"latest point", std::numeric_limits<std::int64_t>::max(), "2262-04-11T23:47:16.854775807Z",
     "2262-04-11T23:47:16.854775807Z"},
    {"earliest point", std::numeric_limits<std::int64_t>::min(), "1677-09-21T00:12:43.145224192Z",
     "1677-09-21T00:12:43.145224192Z"},
};

struct GoDurationRow {
  std::int64_t seconds;
  const char* text;
};

const GoDurationRow kGoDurationRows[] = {
    {0, "0s"},
    {1, "1s"},
    {59, "59s"},
    {60, "1m0s"},
    {1800, "30m0s"},
    {3600, "1h0m0s"},
    {12'319, "3h25m19s"},
    {259'200, "72h0m0s"},
    {-1, "-1s"},
    {-60, "-1m0s"},
    {-3661, "-1h1m1s"},
    {std::numeric_limits<std::int64_t>::min(), "-2562047788015215h30m8s"},
};

struct ParseRow {
  const char* text;
  std::int64_t seconds;
};

const ParseRow kParseRows[] = {
    {"", 0},
    {"0", 0},
    {"90", 90},
    {"007", 7},
    {"+5", 5},
    {"-1", -1},
    {"0s", 0},
    {"90s", 90},
    {"-1s", -1},
    {"+2m", 120},
    {"1h30m", 5400},
    {"-1h30m", -5400},
    {"1.5h", 5400},
    {".5m", 30},
    {"1.m", 60},
    {"1.9s", 1},
    {"-1.9s", -1},
    {"250ms", 0},
    {"-250ms", 0},
    {"500ms500ms", 1},
    {"0.5s0.5s", 1},
    {"1500000us", 1},
    {"1500000\xC2\xB5s", 1},
    {"1500000\xCE\xBCs", 1},
    {"2999999999ns", 2},
    {"7d", 604'800},
    {"-7d", -604'800},
    {"0d", 0},
    {"72h0m0s", 259'200},
    {"0.00000000000000000000000000000001h", 0},
    {"9223372036", kSpanSecondsMax},
    {"-9223372036", -kSpanSecondsMax},
    {"106751d", 9'223'286'400},
    {"9223372036854775807ns", kSpanSecondsMax},
};

struct RefuseRow {
  const char* text;
  const char* message;
};

const RefuseRow kRefuseRows[] = {
    {"1.5", "time: missing unit in duration"},
    {"-1.5", "time: missing unit in duration"},
    {"1h5", "time: missing unit in duration"},
    {"abc", "time: invalid duration"},
    {"-", "time: invalid duration"},
    {"+", "time: invalid duration"},
    {".", "time: invalid duration"},
    {".s", "time: invalid duration"},
    {"d", "time: invalid duration"},
    {"--1s", "time: invalid duration"},
    {" 1s", "time: invalid duration"},
    {"1s ", "time: unknown unit in duration"},
    {"1x", "time: unknown unit in duration"},
    {"1H", "time: unknown unit in duration"},
    {"1.5d", "time: unknown unit in duration"},
    {"1d12h", "time: unknown unit in duration"},
    {"1e3", "time: unknown unit in duration"},
    {"9223372037", "time: invalid duration"},
    {"106752d", "time: invalid duration"},
    {"2562048h", "time: invalid duration"},
    {"9223372036854775808ns", "time: invalid duration"},
    {"99999999999999999999999999", "time: invalid duration"},
    {"99999999999999999999999999h", "time: invalid duration"},
    {"9223372036s9223372036s", "time: invalid duration"},
    {"\"\\\n", "time: invalid duration"},
};

}  // namespace

TEST_CASE("times in RFC 3339") {
  for (const auto& row : kFormatRows) {
    CAPTURE(row.name);
    CHECK(to_rfc3339(Timestamp{row.ns}) == row.rfc3339);
    CHECK(to_rfc3339_nano(Timestamp{row.ns}) == row.rfc3339_nano);
  }
}

TEST_CASE("durations in Go's notation") {
  for (const auto& row : kGoDurationRows) CHECK(to_go_duration(Seconds{row.seconds}) == row.text);
}

TEST_CASE("durations that are accepted") {
  for (const auto& row : kParseRows) {
    CAPTURE(row.text);
    const auto parsed = parse_duration(row.text);
    REQUIRE(parsed.ok());
    CHECK(parsed->count == row.seconds);
  }
}

TEST_CASE("durations that are refused") {
  for (const auto& row : kRefuseRows) {
    CAPTURE(row.text);
    const auto parsed = parse_duration(row.text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error() == fail(ErrorCode::invalid_argument, row.message));
  }
}

TEST_CASE("a long text is cut in the error") {
  const auto parsed = parse_duration(std::string(100'000, 'x'));
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().message.size() < 128);
}

TEST_CASE("adding a span saturates") {
  const auto latest = Timestamp{std::numeric_limits<std::int64_t>::max()};
  const auto earliest = Timestamp{std::numeric_limits<std::int64_t>::min()};
  CHECK(Timestamp{5} + Seconds{2} == Timestamp{2 * kSecond + 5});
  CHECK(Timestamp{5} + Seconds{-2} == Timestamp{-2 * kSecond + 5});
  CHECK(Timestamp{kSecond} + Seconds{kSpanSecondsMax} == latest);
  CHECK(Timestamp{1} + Seconds{std::numeric_limits<std::int64_t>::max()} == latest);
  CHECK(Timestamp{-kSecond} + Seconds{-kSpanSecondsMax} == earliest);
  CHECK(Timestamp{1} + Seconds{std::numeric_limits<std::int64_t>::min()} == earliest);
}

TEST_CASE("property: a formatted duration parses to itself") {
  REQUIRE(rc::check("parse(format(x)) == x", [] {
    const Seconds span{*rc::gen::inRange<std::int64_t>(-kSpanSecondsMax, kSpanSecondsMax + 1)};
    const auto parsed = parse_duration(to_go_duration(span));
    RC_ASSERT(parsed.ok());
    RC_ASSERT(*parsed == span);
    const auto plain = parse_duration(std::to_string(span.count));
    RC_ASSERT(plain.ok());
    RC_ASSERT(*plain == span);
  }));
}

TEST_CASE("property: no text breaks the parser") {
  REQUIRE(rc::check("parse_duration is total", [] {
    const auto text = *rc::gen::container<std::string>(rc::gen::oneOf(
        rc::gen::elementOf(std::string("0123456789.-+hmsund")), rc::gen::arbitrary<char>()));
    const auto parsed = parse_duration(text);
    if (parsed.ok()) {
      RC_ASSERT(parsed->count <= kSpanSecondsMax);
      RC_ASSERT(parsed->count >= -kSpanSecondsMax);
    } else {
      RC_ASSERT(parsed.error().code == ErrorCode::invalid_argument);
    }
  }));
}
