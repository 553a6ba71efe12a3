// Which version of records the log holds, and who may not read it.
#include "events/log/kafka/record_version.h"

#include <doctest/doctest.h>

#include "events/log/memory_log.h"
#include "events/log/meta_rows.h"
#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

TEST_CASE("record version: a row of the state, raised by a command") {
  MemoryLog log{Nonce128{}};
  const auto none = read_record_version(log);
  REQUIRE(none.ok());
  CHECK_FALSE(none->has_value());
  for (const std::uint32_t version : {1u, 2u, 300u}) {
    auto change = record_version_change(version);
    REQUIRE(log.append(std::span(&change, 1)).ok());
    const auto stored = read_record_version(log);
    REQUIRE(stored.ok());
    CHECK(*stored == version);
  }
  CHECK(is_engine_row(meta_row(kRecordVersionRow)));  // of the topics: it moves nowhere
  Append odd;
  odd.changes.push_back({Family::meta, meta_row(kRecordVersionRow), Bytes{1}, false});
  REQUIRE(log.append(std::span(&odd, 1)).ok());
  CHECK(read_record_version(log).error().code == ErrorCode::corrupt);
  CHECK(check_record_version(log, kRecordVersionMax).error().code == ErrorCode::corrupt);
}

TEST_CASE("record version: who reads what") {
  struct Row {
    std::uint32_t version;
    std::uint32_t readable;
    const char* refused;  // part of the text; null: it is read
  };
  constexpr Row kRows[] = {
      {1, 1, nullptr},
      {1, 2, nullptr},
      {2, 2, nullptr},
      {2, 1, "cluster.protocol_version_max lets this node read up to 1"},
      {3, 2, "version 3, this release reads up to 2"},
  };
  for (const auto& row : kRows) {
    CAPTURE(row.version);
    CAPTURE(row.readable);
    MemoryLog log{Nonce128{}};
    auto change = record_version_change(row.version);
    REQUIRE(log.append(std::span(&change, 1)).ok());
    const auto read = check_record_version(log, row.readable);
    CHECK(read.ok() == (row.refused == nullptr));
    if (read.ok()) continue;
    CHECK(read.error().code == ErrorCode::unsupported);
    CHECK(read.error().message.find(row.refused) != std::string::npos);
  }
  CHECK(check_record_version(MemoryLog{Nonce128{}}, 1).ok());
}

TEST_CASE("record version: the lowest that a record can stand in") {
  const Nonce128 nonce{};
  CHECK(version_of({1, nonce, codec::ClaimBody{"a"}}) == 1);
  CHECK(version_of({1, nonce, codec::ReleaseBody{}}) == 1);
  CHECK(version_of({1, nonce, codec::NoopBody{}}) == 1);
  CHECK(version_of({1, nonce, codec::AppendBody{}}) == 1);
  CHECK(version_of({1, nonce, codec::GroupBody{}}) == 2);
}

}  // namespace
}  // namespace coffer::log
