// Random workloads on the replicated log and on the in-memory twin side by side: every answer,
// every stored record and every row must be equal, through restarts, wiped stores, zombies and
// take-overs. A failing seed reproduces its run.
#include <random>

#include "tests/kafka/kafka_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

class Workload {
 public:
  explicit Workload(std::uint32_t seed) : random_(seed) {}

  std::uint8_t below(unsigned bound) { return static_cast<std::uint8_t>(random_() % bound); }

  std::vector<Append> batch() {
    std::vector<Append> out(below(6));
    for (auto& element : out) fill(element);
    return out;
  }

 private:
  static Bytes listing_key(std::uint8_t folder, std::uint8_t child) {
    return listing_row(tenant_of(1), MountId{{1}}, Bytes(16, folder), Bytes(16, child));
  }

  // Few rows, so that puts, deletes and prefixes meet.
  StateChange change() {
    const auto family = static_cast<Family>(below(kFamilyCount));
    StateChange out{family, Bytes{below(3), below(3)}, std::nullopt, below(4) == 0};
    if (family == Family::listing) out.key = listing_key(below(3), below(4));
    if (below(3) > 0) out.value = Bytes(1 + below(40), below(256));
    return out;
  }

  void fill(Append& element) {
    if (below(3) > 0) {
      element.event = event_of(1 + below(3), "");
      element.event->payload = Bytes(below(200), 1);
      element.event->time = Timestamp{++time_};
    }
    for (auto count = below(3); count > 0; --count)
      element.access.push_back(access_of(1 + below(3), ++time_));
    for (auto count = below(5); count > 0; --count) element.changes.push_back(change());
    if (below(4) == 0) {
      const auto folder = below(3);
      element.listing_removals.push_back({{listing_key(folder, below(4)), listing_key(3, folder)}});
    }
    if (below(6) == 0)
      element.prefix_deletes.push_back({static_cast<Family>(below(kFamilyCount)), Bytes{below(3)}});
  }

  std::mt19937 random_;
  std::int64_t time_ = 0;
};

struct SideBySide {
  TestCluster cluster;
  std::unique_ptr<MemoryLog> model;
  std::unique_ptr<KafkaEventLog> log;
  std::string node = "a";
  std::string other_node = "b";

  void open() {
    const auto nonce = cluster.next_nonce();
    auto opened = open_kafka_log(cluster.options(node), nonce);
    require_ok(opened);
    log = std::move(*opened);
    model = model ? model->crash(LastBatch::lost, nonce) : std::make_unique<MemoryLog>(nonce);
  }

  void append(const std::vector<Append>& batch) {
    auto for_log = batch;
    auto for_model = batch;
    const auto got = log->append(for_log);
    const auto wanted = model->append(for_model);
    require_ok(got);
    require_ok(wanted);
    REQUIRE(got->size() == wanted->size());
    for (std::size_t i = 0; i < got->size(); ++i) {
      CHECK((*got)[i].position == (*wanted)[i].position);
      CHECK((*got)[i].tenant_sequence == (*wanted)[i].tenant_sequence);
    }
  }

  void compare() {
    CHECK(contents_of(*log) == contents_of(*model));
    CHECK(log->events_end(0) == model->events_end(0));
    CHECK(log->access_end(0) == model->access_end(0));
    for (std::uint8_t tenant = 1; tenant <= 3; ++tenant) {
      const auto got = log->read_tenant(tenant_of(tenant), 2, 5);
      const auto wanted = model->read_tenant(tenant_of(tenant), 2, 5);
      REQUIRE(got->size() == wanted->size());
      for (std::size_t i = 0; i < got->size(); ++i)
        CHECK((*got)[i].position == (*wanted)[i].position);
    }
  }

  // The owner of before goes on writing after another node has claimed.
  void take_over(Workload& workload) {
    auto zombie = std::move(log);
    std::swap(node, other_node);
    open();
    auto late = workload.batch();
    late.push_back(append_of(event_of(1, "zombie")));
    CHECK(zombie->append(late).error().code == ErrorCode::unknown_outcome);
  }
};

void run(std::uint32_t seed) {
  CAPTURE(seed);
  Workload workload(seed);
  SideBySide both;
  both.open();
  // Trimming is each node's own: a run has either that or several stores.
  const bool trims = workload.below(2) == 0;
  for (int step = 0; step < 40; ++step) {
    CAPTURE(step);
    const auto action = workload.below(20);
    if (action == 0 || action == 1) {
      both.log.reset();
      if (!trims && action == 1) both.cluster.wipe(both.node);
      both.open();
    } else if (action == 2 && !trims) {
      both.take_over(workload);
    } else if ((action == 2 || action == 3) && trims) {
      const Timestamp until{workload.below(200)};
      CHECK(both.log->trim_access(0, until, ~0ull)->last ==
            both.model->trim_access(0, until, ~0ull)->last);
    } else if (action == 4) {
      REQUIRE(both.log->shred_deleted_keys().ok());
    } else {
      both.append(workload.batch());
    }
    if (step % 8 == 7) both.compare();
  }
  both.compare();
  // Whoever reads the topics from the beginning comes to the same state.
  if (trims) return;
  const auto follower = both.cluster.follow("reader");
  require_ok(follower->catch_up(0));
  CHECK(contents_of(follower->state()) == contents_of(*both.model));
}

}  // namespace

TEST_CASE("kafka: random workloads end as on the in-memory log") {
  // COFFER_KAFKA_SEEDS: how many instead of the usual few.
  const char* more = std::getenv("COFFER_KAFKA_SEEDS");
  const auto count = more != nullptr ? std::strtoul(more, nullptr, 10) : 3;
  for (std::uint32_t seed = 1; seed <= count; ++seed) run(seed);
}
