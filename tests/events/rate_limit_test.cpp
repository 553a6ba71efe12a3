// Which quota counts a request, and how many requests it lets through.
#include "events/quota/rate_limit.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "events/quota/rate_limiter.h"

namespace coffer::quota {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

RateLimit limit_of(std::string path, bool inheritable = false) {
  return {std::move(path), 1'000'000, Seconds{1}, Seconds{0}, inheritable, GroupBy::address};
}

RateLimit rate_of(std::uint64_t rate_micro, Seconds interval = {1}, Seconds block = {0}) {
  return {"", rate_micro, interval, block, true, GroupBy::address};
}

TEST_CASE("the limit that says most about the path counts the request") {
  const RateLimits limits = {{"all", limit_of("")},
                             {"below", limit_of("team/", true)},
                             {"below-only", limit_of("shop/")},
                             {"glob", limit_of("secret/data/app*")},
                             {"long-glob", limit_of("secret/data/app/x*")},
                             {"mount", limit_of("secret/")},
                             {"one", limit_of("secret/data/app")},
                             {"team-mount", limit_of("team/kv/")}};
  struct Row {
    const char* namespace_path;
    const char* path;
    const char* expected;  // "": none
  };
  const Row rows[] = {
      {"", "sys/mounts", "all"},
      {"", "secret/data/x", "mount"},
      {"", "secret/data/app", "one"},
      {"", "secret/data/apple", "glob"},
      {"", "secret/data/app/x", "long-glob"},
      {"", "secrets/x", "all"},
      {"team/", "kv/data/a", "team-mount"},
      {"team/", "sys/mounts", "below"},
      {"team/a/", "kv/data/a", "below"},
      {"shop/", "kv/data/a", "below-only"},
      {"shop/a/", "kv/data/a", ""},
      // A limit of all that is not inherited counts in its own namespace alone.
      {"other/", "kv/data/a", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string(row.namespace_path));
    CAPTURE(std::string(row.path));
    const auto* found = limit_for(limits, row.namespace_path, row.path);
    CHECK(std::string(found == nullptr ? "" : found->first) == row.expected);
  }
  CHECK(limit_for({{"all", limit_of("", true)}}, "a/b/", "x") != nullptr);
  CHECK(limit_for({}, "", "x") == nullptr);
}

TEST_CASE("what a limit may say") {
  struct Row {
    RateLimit limit;
    bool allowed;
  };
  auto starred = rate_of(1);
  starred.path = "secret/*/x";
  auto glob = rate_of(1);
  glob.path = "secret/*";
  const Row rows[] = {{rate_of(1), true},
                      {rate_of(0), false},
                      {rate_of(kRateMicroMax), true},
                      {rate_of(kRateMicroMax + 1), false},
                      {rate_of(1, Seconds{0}), false},
                      {rate_of(1, kIntervalMax), true},
                      {rate_of(1, Seconds{86'401}), false},
                      {rate_of(1, Seconds{1}, Seconds{-1}), false},
                      {rate_of(1, Seconds{1}, Seconds{86'401}), false},
                      {starred, false},
                      {glob, true}};
  for (const auto& row : rows) CHECK(check_limit(row.limit).ok() == row.allowed);
}

TEST_CASE("a bucket lets through what an interval allows, and fills evenly") {
  RateLimiter limiter(10);
  const auto limit = rate_of(2'500'000, Seconds{10});  // a request every four seconds
  const auto take = [&](std::int64_t ns) { return limiter.take({}, "q", limit, "c", ns); };
  CHECK_FALSE(take(0));
  CHECK_FALSE(take(0));
  CHECK(take(0) == Seconds{2});  // half a request is left
  CHECK(take(2 * kSecond - 1) == Seconds{1});
  CHECK_FALSE(take(2 * kSecond));
  CHECK(take(2 * kSecond) == Seconds{4});
  // Full again, and not fuller.
  unsigned allowed = 0;
  for (int i = 0; i < 5; ++i) allowed += take(1000 * kSecond) ? 0 : 1;
  CHECK(allowed == 2);
}

TEST_CASE("a limit below one request an interval lets one through at a time") {
  RateLimiter limiter(10);
  const auto limit = rate_of(100'000);  // one in ten seconds
  CHECK_FALSE(limiter.take({}, "q", limit, "c", 0));
  CHECK(limiter.take({}, "q", limit, "c", kSecond) == Seconds{9});
  CHECK_FALSE(limiter.take({}, "q", limit, "c", 10 * kSecond));
}

TEST_CASE("a client that went beyond the limit is shut out for the block interval") {
  RateLimiter limiter(10);
  const auto limit = rate_of(1'000'000, Seconds{1}, Seconds{30});
  CHECK_FALSE(limiter.take({}, "q", limit, "c", 0));
  CHECK(limiter.take({}, "q", limit, "c", 0) == Seconds{30});
  CHECK(limiter.take({}, "q", limit, "c", 29 * kSecond) == Seconds{1});
  CHECK_FALSE(limiter.take({}, "q", limit, "other", 29 * kSecond));
  CHECK_FALSE(limiter.take({}, "q", limit, "c", 30 * kSecond));
}

TEST_CASE("whose requests share a bucket") {
  RateLimiter limiter(10);
  auto limit = rate_of(1'000'000);
  TenantId other;
  other.bytes[0] = 1;
  CHECK_FALSE(limiter.take({}, "q", limit, "a", 0));
  CHECK(limiter.take({}, "q", limit, "a", 0));
  CHECK_FALSE(limiter.take({}, "q", limit, "b", 0));
  CHECK_FALSE(limiter.take({}, "r", limit, "a", 0));
  CHECK_FALSE(limiter.take(other, "q", limit, "a", 0));
  limit.group_by = GroupBy::none;
  CHECK_FALSE(limiter.take({}, "q", limit, "a", 0));
  CHECK(limiter.take({}, "q", limit, "b", 0));
  // Other numbers: a full bucket.
  limit.rate_micro = 2'000'000;
  CHECK_FALSE(limiter.take({}, "q", limit, "b", 0));
}

TEST_CASE("buckets are bounded: the one asked longest ago makes room") {
  RateLimiter limiter(3);
  const auto limit = rate_of(1'000'000);
  for (const char* client : {"a", "b", "c"}) CHECK_FALSE(limiter.take({}, "q", limit, client, 0));
  CHECK(limiter.take({}, "q", limit, "a", 0));        // now "b" is the oldest
  CHECK_FALSE(limiter.take({}, "q", limit, "d", 0));  // in the place of "b"
  CHECK(limiter.buckets() == 3);
  CHECK(limiter.take({}, "q", limit, "a", 0));
  CHECK(limiter.take({}, "q", limit, "c", 0));
  CHECK_FALSE(limiter.take({}, "q", limit, "b", 0));
  CHECK(limiter.buckets() == 3);
}

TEST_CASE("property: of any run of requests the bucket lets through exactly what has flowed in") {
  rc::check([] {
    const auto rate = *rc::gen::inRange<std::uint64_t>(1, 50'000'000);
    const auto interval = Seconds{*rc::gen::inRange<std::int64_t>(1, 100)};
    const auto gaps =
        *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, kSecond));
    RateLimiter limiter(4);
    const auto limit = rate_of(rate, interval);
    __extension__ typedef unsigned __int128 Wide;
    const Wide cost = Wide(1'000'000) * interval.count * kSecond;
    Wide level = std::max<Wide>(Wide(rate) * interval.count * kSecond, cost);
    const Wide full = level;
    std::int64_t now = 0;
    for (const auto gap : gaps) {
      now += gap;
      level = std::min(full, level + Wide(gap) * rate);
      const bool allowed = !limiter.take({}, "q", limit, "c", now);
      RC_ASSERT(allowed == (level >= cost));
      if (allowed) level -= cost;
    }
  });
}

}  // namespace
}  // namespace coffer::quota
