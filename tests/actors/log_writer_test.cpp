// How the log writer gathers commits for a log that is slow whatever their number: in virtual time.
#include <doctest/doctest.h>
#include <array>

#include "actors/blocking_actors.h"
#include "events/log/memory_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/vault_world.h"

using namespace coffer;
using namespace coffer::testing;
using namespace std::chrono_literals;

namespace {

// Takes its time for every append, and notes how many elements came together.
class SlowLog final : public log::EventLog {
 public:
  SlowLog(ManualClock& clock, bool remote, std::chrono::nanoseconds takes)
      : clock_(clock), remote_(remote), takes_(takes) {}

  std::vector<std::size_t> batches;

  Result<std::vector<log::Appended>> append(std::span<log::Append> batch) override {
    clock_.advance(takes_);
    batches.push_back(batch.size());
    return std::vector<log::Appended>(batch.size());
  }
  bool is_remote() const noexcept override { return remote_; }

  // None of these is the writer's.
  Result<std::optional<Bytes>> get(log::Family, BytesView) const override { return unused(); }
  Result<std::vector<log::Row>> scan(log::Family, BytesView, BytesView,
                                     std::size_t) const override {
    return unused();
  }
  Result<std::vector<log::StoredRecord>> read_events(PartitionId, LogPosition,
                                                     std::size_t) const override {
    return unused();
  }
  Result<std::vector<log::StoredRecord>> read_tenant(TenantId, TenantSequence,
                                                     std::size_t) const override {
    return unused();
  }
  Result<std::vector<log::StoredRecord>> read_access(PartitionId, LogPosition,
                                                     std::size_t) const override {
    return unused();
  }
  Result<TenantSequence> tenant_end(const TenantId&) const override { return unused(); }
  LogPosition events_end(PartitionId) const override { return 0; }
  LogPosition access_end(PartitionId) const override { return 0; }
  Result<log::AccessTrim> trim_access(PartitionId, Timestamp, std::uint64_t) override {
    return unused();
  }
  Result<log::AccessTrim> read_access_trim(PartitionId) const override { return unused(); }
  Result<void> shred_deleted_keys() override { return unused(); }
  bool has_deleted_keys() const noexcept override { return false; }

 private:
  static Error unused() { return fail(ErrorCode::internal, "not the log writer's business"); }

  ManualClock& clock_;
  bool remote_;
  std::chrono::nanoseconds takes_;
};

// The writer alone. Its messages and delays run when the test says so, as if it had a thread.
struct Writer {
  Writer(bool remote, std::chrono::nanoseconds takes) : log(clock, remote, takes) {
    config.set("scheduler.policy", caf::atom("testing"));
    system = std::make_unique<caf::actor_system>(config);
    scheduler = &dynamic_cast<caf::scheduler::test_coordinator&>(system->scheduler());
    std::string warning;
    services = std::make_unique<actors::Services>(clock, random, log, actors::Limits{},
                                                  hsm::LockedArena::create(64, warning),
                                                  hsm::DataKeyCache::Limits{});
    services->blocking_actors_have_threads = false;  // while it is made: no thread in this test
    ref = actors::spawn_log_writer(*system, *services, 0);
    services->blocking_actors_have_threads = true;
  }
  ~Writer() {
    caf::anon_send_exit(ref.handle(), caf::exit_reason::user_shutdown);
    scheduler->run();
    ref = {};
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void commit(unsigned jobs) {
    for (unsigned i = 0; i < jobs; ++i) {
      auto job = std::make_shared<actors::AppendJob>();
      job->appends.resize(1);
      job->done = [this](const auto& result) { answered += result.ok() ? 1 : 0; };
      ref.send(std::move(job));
    }
    scheduler->run();
  }
  void pass(std::chrono::nanoseconds time) {
    scheduler->advance_time(time);
    scheduler->run();
  }

  ManualClock clock;
  SeededRandom random{1};
  SlowLog log;
  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  caf::scheduler::test_coordinator* scheduler = nullptr;
  std::unique_ptr<actors::Services> services;
  actors::LogWriterRef ref;
  unsigned answered = 0;
};

using Batches = std::vector<std::size_t>;

}  // namespace

TEST_CASE("log writer: for whom and how long it waits") {
  struct Row {
    const char* what;
    bool remote;
    std::chrono::nanoseconds takes;  // every append
    unsigned before;                 // committed together, then one alone
    std::chrono::nanoseconds waits;
  };
  constexpr std::array kRows{
      Row{"a local log", false, 6ms, 3, 0ms},      Row{"a remote log", true, 6ms, 3, 2ms},
      Row{"a very slow one", true, 900ms, 3, 5ms}, Row{"a fast one", true, 999us, 3, 0ms},
      Row{"a single client", true, 6ms, 1, 0ms},
  };
  for (const auto& row : kRows) {
    CAPTURE(row.what);
    Writer writer(row.remote, row.takes);
    writer.commit(row.before);
    CHECK(writer.log.batches == Batches{row.before});
    writer.commit(1);
    if (row.waits > 0ns) {
      CHECK(writer.log.batches == Batches{row.before});
      writer.pass(row.waits - 1us);
      CHECK(writer.log.batches == Batches{row.before});
      CHECK(writer.answered == row.before);
      writer.pass(1us);
    }
    CHECK(writer.log.batches == Batches{row.before, 1});
    CHECK(writer.answered == row.before + 1);
  }
}

TEST_CASE("log writer: when all are back it waits no longer") {
  Writer writer(true, 6ms);
  writer.commit(3);
  writer.commit(2);
  CHECK(writer.log.batches == Batches{3});
  writer.commit(1);
  CHECK(writer.log.batches == Batches{3, 3});
  writer.commit(3);
  writer.pass(2ms);
  CHECK(writer.log.batches == Batches{3, 3, 3});
  CHECK(writer.answered == 9);
}

TEST_CASE("log writer: the end of a former gathering does not end the next one") {
  Writer writer(true, 6ms);
  writer.commit(3);
  writer.commit(1);
  writer.pass(1ms);
  writer.commit(2);  // all are there, a millisecond before the time is up
  CHECK(writer.log.batches == Batches{3, 3});
  writer.commit(1);
  writer.pass(1ms);  // that of the former one
  CHECK(writer.log.batches == Batches{3, 3});
  writer.pass(1ms);
  CHECK(writer.log.batches == Batches{3, 3, 1});
}

TEST_CASE("log writer: who was alone is not made to wait for others") {
  Writer writer(true, 6ms);
  writer.commit(2);
  writer.commit(1);
  writer.pass(2ms);
  CHECK(writer.log.batches == Batches{2, 1});
  writer.commit(1);
  CHECK(writer.log.batches == Batches{2, 1, 1});
}
