// Paging through a log, the end of a log, and the hash chain.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/cli/event_pages.h"
#include "tools/coffer/chain_walk.h"

namespace coffer::cli {
namespace {

FakeLog log_of(std::uint64_t count) {
  FakeLog log;
  for (std::uint64_t i = 1; i <= count; ++i) log.records.push_back(fake_record(i));
  return log;
}

std::vector<std::uint64_t> sequences(FakeLog& log, std::uint64_t from, const std::string& stream) {
  std::vector<std::uint64_t> out;
  const auto walked =
      for_each_record(log.pages(), from, stream, [&](const EventRecord& record) -> Result<bool> {
        out.push_back(record.sequence);
        return true;
      });
  REQUIRE(walked.ok());
  return out;
}

TEST_CASE("every record is seen once, however small the server's pages are") {
  for (const std::size_t page : {1, 2, 3, 7, 1000}) {
    auto log = log_of(7);
    log.limit_max = page;
    CHECK(sequences(log, 1, {}) == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7});
    CHECK(sequences(log, 6, {}) == std::vector<std::uint64_t>{6, 7});
    CHECK(sequences(log, 8, {}).empty());
  }
}

TEST_CASE("a visit may stop and may fail") {
  auto log = log_of(5);
  std::uint64_t seen = 0;
  CHECK(for_each_record(log.pages(), 1, {}, [&](const EventRecord& r) -> Result<bool> {
          seen = r.sequence;
          return r.sequence < 3;
        }).ok());
  CHECK(seen == 3);
  const auto failed = for_each_record(log.pages(), 1, {}, [](const EventRecord&) -> Result<bool> {
    return fail(ErrorCode::corrupt, "stop");
  });
  CHECK(failed.error().message == "stop");
}

TEST_CASE("a server that sends the same records again is not asked for ever") {
  const FetchPage fetch = [](std::uint64_t, std::size_t, const std::string&) {
    auto log = log_of(2);
    return log.pages()(1, 10, {});
  };
  const auto walked =
      for_each_record(fetch, 1, {}, [](const EventRecord&) -> Result<bool> { return true; });
  REQUIRE_FALSE(walked.ok());
  CHECK(walked.error().message == "the server sent record 1 where 3 or later was asked for");
}

TEST_CASE("property: the last record is found with few requests") {
  REQUIRE(rc::check("last_sequence", [] {
    const auto count = *rc::gen::inRange<std::uint64_t>(0, 300);
    auto log = log_of(count);
    const auto last = last_sequence(log.pages());
    RC_ASSERT(last.ok());
    RC_ASSERT(*last == count);
    RC_ASSERT(log.requests <= 20U);
  }));
}

TEST_CASE("broken records are refused") {
  struct Row {
    std::string data;
    std::string error;
  };
  const std::string head = R"({"sequence":1,"time":"t","epoch":1,"hash":"","previous_hash":"",)";
  const Row rows[] = {
      {R"({})", "the server's answer has no list of events"},
      {R"({"events":[7]})", "the server's event record is broken: events is missing"},
      {R"({"events":[)" + head + R"("stream":"s"}]})",
       "the server's event record is broken: events is missing"},
      {R"({"events":[)" + head + R"("events":[]}]})",
       "the server's event record is broken: stream is missing"},
      {R"({"events":[)" + head + R"("stream":"s","events":[{"name":"x"}]}]})",
       "the server's event record is broken: json is missing"},
  };
  for (const auto& row : rows) {
    auto document = json::Document::parse(row.data);
    REQUIRE(document.ok());
    const auto& root = document->root();
    const auto page = parse_page(std::move(*document), root);
    REQUIRE_FALSE(page.ok());
    CHECK(page.error().message == row.error);
  }
}

TEST_CASE("streams") {
  struct Row {
    std::string text;
    std::string becomes;  // empty: refused
  };
  const Row rows[] = {
      {"0", std::string(kTenantStream)},
      {"9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015"},
      {"9F86D081-884C-7D65-9A2F-EAA0C55AD015", "9f86d081884c7d659a2feaa0c55ad015"},
      {"9f86d081884c7d659a2feaa0c55ad01", ""},
      {"9f86d081884c7d659a2feaa0c55ad0155f", ""},
      {"9f86d081884c7d659a2feaa0c55ad01g", ""},
      {"&from=1", ""},
      {"", ""},
  };
  for (auto row : rows) {
    const auto original = row.text;
    CAPTURE(original);
    const auto problem = check_stream(row.text);
    CHECK(problem.empty() == !row.becomes.empty());
    if (problem.empty()) CHECK(row.text == row.becomes);
  }
}

// ------------------------------------------------------------------------------ chain
std::optional<std::string> problem_of(FakeLog log) {
  ChainWalk walk;
  const auto walked = for_each_record(
      log.pages(), 1, {}, [&](const EventRecord& r) -> Result<bool> { return walk.add(r); });
  REQUIRE(walked.ok());
  if (!walk.problem()) {
    CHECK(walk.records() == log.records.size());
    CHECK(walk.head_hash() == fake_hash(log.records.size()));
  }
  return walk.problem();
}

TEST_CASE("chains") {
  struct Row {
    std::string name;
    void (*damage)(std::vector<FakeRecord>& records);
    std::optional<std::string> problem;
  };
  const Row rows[] = {
      {"whole", [](auto&) {}, std::nullopt},
      {"empty", [](auto& r) { r.clear(); }, std::nullopt},
      {"first missing", [](auto& r) { r.erase(r.begin()); },
       "record 1 is missing: record 2 follows record 0"},
      {"middle missing", [](auto& r) { r.erase(r.begin() + 2); },
       "record 3 is missing: record 4 follows record 2"},
      {"first has a previous hash", [](auto& r) { r[0].previous_hash = fake_hash(9); },
       "record 1: previous hash does not match"},
      {"another hash", [](auto& r) { r[1].hash = fake_hash(9); },
       "record 3: previous hash does not match"},
      {"another previous hash", [](auto& r) { r[3].previous_hash.back() = '0'; },
       "record 4: previous hash does not match"},
      {"no hash", [](auto& r) { r[4].hash.clear(); }, "record 5: its hash is no SHA-256"},
      {"half a hash", [](auto& r) { r[4].hash.resize(32); }, "record 5: its hash is no SHA-256"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    auto log = log_of(5);
    row.damage(log.records);
    CHECK(problem_of(std::move(log)) == row.problem);
  }
}

}  // namespace
}  // namespace coffer::cli
