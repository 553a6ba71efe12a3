// The faults of the in-memory log are what its header says.
#include "tests/log/log_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

struct Faulty {
  MemoryLog log{kNonce};
  AppendFault next = AppendFault::none;

  Faulty() {
    log.set_fault_hook([this](auto&&) { return std::exchange(next, AppendFault::none); });
  }
  Result<std::vector<Appended>> append(AppendFault fault, std::uint8_t key) {
    next = fault;
    std::vector<Append> batch{append_of(event_of(1, "x"))};
    batch.front().changes.push_back({Family::meta, {key}, Bytes{key}, false});
    batch.front().access.push_back(access_of(1, 1));
    return log.append(batch);
  }
  bool has(std::uint8_t key) { return log.get(Family::meta, Bytes{key})->has_value(); }
};

}  // namespace

TEST_CASE("memory log: a refused append applies nothing and the next succeeds") {
  Faulty faulty;
  CHECK(faulty.append(AppendFault::unavailable, 1).error().code == ErrorCode::unavailable);
  CHECK_FALSE(faulty.has(1));
  CHECK(faulty.append(AppendFault::none, 2)->front().tenant_sequence == 1);
}

TEST_CASE("memory log: an unknown outcome is decided by the reopening") {
  for (const auto last : {LastBatch::lost, LastBatch::kept}) {
    Faulty faulty;
    REQUIRE(faulty.append(AppendFault::none, 1).ok());
    CHECK(faulty.append(AppendFault::unknown, 2).error().code == ErrorCode::unknown_outcome);
    CHECK_FALSE(faulty.has(2));
    CHECK(faulty.append(AppendFault::none, 3).error().code == ErrorCode::unavailable);
    const auto epoch = faulty.log.epoch();
    faulty.log.reopen(last, kNonce);
    CHECK(faulty.log.epoch() == epoch + 1);
    CHECK(faulty.has(1));
    CHECK(faulty.has(2) == (last == LastBatch::kept));
    CHECK(faulty.append(AppendFault::none, 4)->front().tenant_sequence ==
          (last == LastBatch::kept ? 3u : 2u));
  }
}

TEST_CASE("memory log: a crash keeps what was acknowledged and kills the old log") {
  Faulty faulty;
  REQUIRE(faulty.append(AppendFault::none, 1).ok());
  REQUIRE_FALSE(faulty.append(AppendFault::unknown, 2).ok());
  const auto recovered = faulty.log.crash(LastBatch::kept, kNonce);
  CHECK(recovered->get(Family::meta, Bytes{1})->has_value());
  CHECK(recovered->get(Family::meta, Bytes{2})->has_value());
  CHECK(recovered->events_end(0) == 2);
  CHECK_FALSE(faulty.append(AppendFault::none, 3).ok());
}

TEST_CASE("memory log: the faults of a broken log are as asked for") {
  Faulty faulty;
  REQUIRE(faulty.append(AppendFault::forget, 1).ok());
  CHECK_FALSE(faulty.has(1));
  REQUIRE(faulty.append(AppendFault::skip_access, 2).ok());
  CHECK(faulty.log.access_end(0) == 0);
  faulty.log.serve_stale_rows();
  std::vector<Append> change{put(Family::meta, {2}, {77})};
  REQUIRE(faulty.log.append(change).ok());
  CHECK((**faulty.log.get(Family::meta, Bytes{2}))[0] == 2);
}

TEST_CASE("memory log: a flipped bit is one bit") {
  Faulty faulty;
  REQUIRE(faulty.append(AppendFault::none, 1).ok());
  const auto before = faulty.log.read_events(0, 1, 1)->front().bytes;
  REQUIRE(faulty.log.flip_event_bit(0, 1, 13));
  auto after = faulty.log.read_events(0, 1, 1)->front().bytes;
  after[1] ^= 1u << 5;
  CHECK(after == before);
  CHECK(faulty.log.flip_access_bit(0, 1, 0));
  CHECK(faulty.log.flip_row_bit(Family::meta, Bytes{1}, 0));
  CHECK_FALSE(faulty.log.flip_event_bit(0, 2, 0));
}
