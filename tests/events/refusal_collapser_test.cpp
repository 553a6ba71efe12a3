#include "events/audit/refusal_collapser.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <limits>
#include <numeric>
#include <set>

#include "events/audit/access_record.h"

using namespace coffer;
using namespace coffer::audit;
using Verdict = RefusalCollapser::Verdict;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr Timestamp kEndOfTime{std::numeric_limits<std::int64_t>::max()};

Timestamp at(std::int64_t second, std::int64_t ns = 0) {
  return {second * kSecond + ns};
}

std::uint64_t total(const std::vector<CollapsedCount>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& count) { return sum + count.count; });
}

// Notes the same request n times; returns how many were to be recorded singly.
int note_many(RefusalCollapser& collapser, int n, std::string_view source, int status,
              Timestamp now) {
  int recorded = 0;
  for (int i = 0; i < n; ++i) {
    if (collapser.note(source, "read", status, now) == Verdict::record) ++recorded;
  }
  return recorded;
}

}  // namespace

TEST_CASE("the first requests of a second are recorded singly, the rest are counted") {
  RefusalCollapser collapser(3, 10);
  CHECK(note_many(collapser, 8, "10.0.0.1", 403, at(100)) == 3);
  CHECK(collapser.take_finished(at(101)) ==
        std::vector<CollapsedCount>{{"10.0.0.1", at(100), 4, "read", 5}});
}

TEST_CASE("below the limit nothing is left to report") {
  RefusalCollapser collapser(3, 10);
  CHECK(note_many(collapser, 3, "10.0.0.1", 403, at(100)) == 3);
  CHECK(collapser.take_finished(at(101)).empty());
}

TEST_CASE("a second that is not over is not reported, and none is reported twice") {
  RefusalCollapser collapser(1, 10);
  CHECK(note_many(collapser, 2, "a", 403, at(100)) == 1);
  CHECK(collapser.take_finished(at(100, kSecond - 1)).empty());
  CHECK(total(collapser.take_finished(at(101))) == 1);
  CHECK(collapser.take_finished(at(101)).empty());
}

TEST_CASE("each source and each second has its own limit") {
  RefusalCollapser collapser(2, 10);
  CHECK(note_many(collapser, 3, "a", 403, at(100)) == 2);
  CHECK(note_many(collapser, 3, "b", 403, at(100, kSecond - 1)) == 2);
  CHECK(note_many(collapser, 3, "a", 403, at(101)) == 2);
  CHECK(collapser.take_finished(at(102)) ==
        std::vector<CollapsedCount>{{"a", at(100), 4, "read", 1},
                                    {"b", at(100), 4, "read", 1},
                                    {"a", at(101), 4, "read", 1}});
}

TEST_CASE("counts are kept apart by status class") {
  RefusalCollapser collapser(0, 10);
  CHECK(note_many(collapser, 2, "a", 403, at(100)) == 0);
  CHECK(note_many(collapser, 3, "a", 429, at(100)) == 0);
  CHECK(note_many(collapser, 4, "a", 503, at(100)) == 0);
  CHECK(note_many(collapser, 1, "a", 0, at(100)) == 0);
  CHECK(note_many(collapser, 1, "a", 600, at(100)) == 0);
  CHECK(collapser.take_finished(at(101)) ==
        std::vector<CollapsedCount>{{"a", at(100), 0, "read", 2},
                                    {"a", at(100), 4, "read", 5},
                                    {"a", at(100), 5, "read", 4}});
}

TEST_CASE("differing operations are reported as mixed") {
  RefusalCollapser collapser(0, 10);
  CHECK(collapser.note("a", "read", 403, at(100)) == Verdict::collapsed);
  CHECK(collapser.note("a", "login", 403, at(100)) == Verdict::collapsed);
  CHECK(collapser.note("b", "login", 403, at(100)) == Verdict::collapsed);
  CHECK(collapser.take_finished(at(101)) ==
        std::vector<CollapsedCount>{{"a", at(100), 4, "mixed", 2}, {"b", at(100), 4, "login", 1}});
}

TEST_CASE("sources beyond the bound share one bucket and one limit") {
  RefusalCollapser collapser(1, 2);
  int recorded = 0;
  for (int i = 0; i < 100; ++i) {
    recorded += note_many(collapser, 1, "source" + std::to_string(i), 403, at(100));
  }
  CHECK(recorded == 3);
  CHECK(note_many(collapser, 1, "source0", 403, at(100)) == 0);
  CHECK(collapser.take_finished(at(101)) ==
        std::vector<CollapsedCount>{{"source0", at(100), 4, "read", 1},
                                    {"other", at(100), 4, "read", 97}});
  CHECK(note_many(collapser, 1, "source99", 403, at(101)) == 1);
}

TEST_CASE("seconds nobody collects are merged, not lost") {
  RefusalCollapser collapser(1, 10);
  for (int second = 0; second < 100; ++second) {
    CHECK(note_many(collapser, 3, "a", 403, at(100 + second)) == 1);
  }
  const auto counts = collapser.take_finished(kEndOfTime);
  CHECK(counts.size() == RefusalCollapser::kSecondsKept + 1);
  CHECK(total(counts) == 200);
}

TEST_CASE("a clock that steps back loses nothing") {
  RefusalCollapser collapser(1, 10);
  std::uint64_t accounted = 0;
  for (int second : {100, 200, 300, 400, 50, 51, 52, 53, 54, -1}) {
    accounted += static_cast<std::uint64_t>(note_many(collapser, 2, "a", 403, at(second, -1)));
    accounted += total(collapser.take_finished(at(second)));
  }
  CHECK(accounted + total(collapser.take_finished(kEndOfTime)) == 20);
}

TEST_CASE("a record accounts for one request or for those it stands for") {
  AccessRecord record;
  CHECK(requests_of(record) == 1);
  record.collapsed_count = 7;
  CHECK(requests_of(record) == 7);
  auto other = record;
  CHECK(other == record);
  other.matched_rule = "secret/*";
  CHECK_FALSE(other == record);
}

TEST_CASE("property: recorded + collapsed == requests, and memory is bounded") {
  REQUIRE(rc::check("conservation", [] {
    const auto limit = *rc::gen::inRange<std::uint32_t>(0, 4);
    const auto sources_max = *rc::gen::inRange<std::size_t>(0, 5);
    RefusalCollapser collapser(limit, sources_max);
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 400));
    std::uint64_t requests = 0;
    std::uint64_t accounted = 0;
    Timestamp now = at(1000);
    for (const int step : steps) {
      // One number draws all: the source, the way of the clock, and whether to collect.
      now.ns += (step % 7 - 1) * kSecond / 3;
      const auto source = "s" + std::to_string(step % 9);
      ++requests;
      if (collapser.note(source, "read", 400 + step % 200, now) == Verdict::record) ++accounted;
      if (step % 5 != 0) continue;
      for (const auto& count : collapser.take_finished(now)) {
        RC_ASSERT(count.count > 0u);
        RC_ASSERT(count.second.ns / kSecond < now.ns / kSecond);
        accounted += count.count;
      }
    }
    const auto rest = collapser.take_finished(kEndOfTime);
    RC_ASSERT(rest.size() <= RefusalCollapser::kSecondsKept * (sources_max + 1) * 6);
    RC_ASSERT(accounted + total(rest) == requests);
    RC_ASSERT(collapser.take_finished(kEndOfTime).empty());
  }));
}

TEST_CASE("property: no source is recorded singly more often than the limit allows") {
  REQUIRE(rc::check("limit", [] {
    const auto limit = *rc::gen::inRange<std::uint32_t>(0, 4);
    const std::size_t sources_max = 3;
    RefusalCollapser collapser(limit, sources_max);
    std::set<std::string> seen;
    std::uint64_t recorded = 0;
    for (const int id : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 8))) {
      const auto source = "s" + std::to_string(id);
      seen.insert(source);
      if (collapser.note(source, "read", 403, at(5)) == Verdict::record) ++recorded;
    }
    RC_ASSERT(recorded <= limit * std::min(seen.size(), sources_max + 1));
  }));
}
