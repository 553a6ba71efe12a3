// Who should own a partition (the group) and until when an owner may answer (the lease).
#include <doctest/doctest.h>

#include <thread>

#include "events/log/kafka/ownership_group.h"
#include "tests/kafka/kafka_fixture.h"

namespace coffer::testing {
namespace {

using log::Lease;
using log::Milliseconds;
using log::OwnershipGroup;

std::unique_ptr<OwnershipGroup> join(TestCluster& cluster, const std::string& node) {
  log::OwnershipOptions options;
  options.client = cluster.options(node).client;
  options.prefix = cluster.prefix();
  options.session_timeout = Milliseconds(6'000);  // what a broker accepts by default
  options.heartbeat = Milliseconds(200);
  auto group = OwnershipGroup::join(options);
  if (!group) FAIL(group.error().message);
  return std::move(*group);
}

// Polls every member until one of them gains partition 0; its index. Losses are confirmed.
std::size_t await_owner(const std::vector<OwnershipGroup*>& members) {
  const auto deadline = Lease::Clock::now() + std::chrono::seconds(30);
  while (Lease::Clock::now() < deadline) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto change = members[i]->poll(Milliseconds(20));
      require_ok(change);
      if (!*change) continue;
      if (!(*change)->lost.empty()) members[i]->confirm_lost();
      if ((*change)->gained.contains(0)) return i;
    }
  }
  FAIL("nobody was given the partition");
  return 0;
}

// Until the group asks nothing of them any more.
void settle(const std::vector<OwnershipGroup*>& members) {
  auto quiet_since = Lease::Clock::now();
  while (Lease::Clock::now() - quiet_since < Milliseconds(1'500)) {
    for (auto* member : members) {
      const auto change = member->poll(Milliseconds(10));
      require_ok(change);
      if (!*change) continue;
      quiet_since = Lease::Clock::now();
      if (!(*change)->lost.empty()) member->confirm_lost();
    }
  }
}

TEST_CASE("owners: one member gets the partition, keeps it when others come, and passes it on") {
  TestCluster cluster;
  require_ok(log::ensure_topics(cluster.options().client, cluster.options().topics));
  auto first = join(cluster, "a");
  CHECK(await_owner({first.get()}) == 0);
  auto second = join(cluster, "b");
  // The newcomer takes nothing from a member that is well.
  for (int i = 0; i < 40; ++i) {
    for (auto* member : {first.get(), second.get()}) {
      const auto change = member->poll(Milliseconds(25));
      require_ok(change);
      if (!*change) continue;
      CHECK((*change)->lost.empty());
      CHECK((*change)->gained.empty());
    }
  }
  first.reset();
  CHECK(await_owner({second.get()}) == 0);
}

// The library aborts the process when it destroys a member that has joined and was told nothing
// yet, as here, where the owner leaves while others come, and they leave at once.
TEST_CASE("owners: a member may leave before the group has told it anything") {
  TestCluster cluster;
  require_ok(log::ensure_topics(cluster.options().client, cluster.options().topics));
  for (int distance = 0; distance < 120; distance += 40) {
    auto owner = join(cluster, "owner");
    CHECK(await_owner({owner.get()}) == 0);
    auto second = join(cluster, "second");
    auto third = join(cluster, "third");
    std::this_thread::sleep_for(Milliseconds(distance));
    owner.reset();
    std::thread other([&] { third.reset(); });
    second.reset();
    other.join();
  }
}

// The owner leaves while another member comes: the broker is to hear of it, or nobody owns until
// its session is over.
TEST_CASE("owners: a leave that meets a running rebalance leaves no gap of a session") {
  constexpr Milliseconds kSessionTimeout{6'000};
  Milliseconds longest{0};
  for (const int distance : {0, 30, 300, 700, 1'100}) {
    CAPTURE(distance);
    TestCluster cluster;
    require_ok(log::ensure_topics(cluster.options().client, cluster.options().topics));
    auto owner = join(cluster, "owner");
    CHECK(await_owner({owner.get()}) == 0);
    const auto second = join(cluster, "second");
    settle({owner.get(), second.get()});
    const auto third = join(cluster, "third");
    std::this_thread::sleep_for(Milliseconds(distance));
    const auto left = Lease::Clock::now();
    std::thread owner_goes([&] { owner.reset(); });
    await_owner({second.get(), third.get()});
    const auto took = std::chrono::duration_cast<Milliseconds>(Lease::Clock::now() - left);
    longest = std::max(longest, took);
    CHECK(took < kSessionTimeout / 2);
    owner_goes.join();
  }
  MESSAGE("without an owner for at most " << longest.count() << " ms");
}

TEST_CASE("lease: valid from the sending for its length, never shortened by an older record") {
  Lease lease(Milliseconds(1000));
  const Lease::Time start{std::chrono::seconds(100)};
  CHECK_FALSE(lease.valid(start));
  lease.renew(start);
  CHECK(lease.valid(start));
  CHECK(lease.valid(start + Milliseconds(999)));
  CHECK_FALSE(lease.valid(start + Milliseconds(1000)));
  CHECK_FALSE(lease.runs_out(start + Milliseconds(600)));
  CHECK(lease.runs_out(start + Milliseconds(700)));
  lease.renew(start - Milliseconds(500));
  CHECK(lease.valid(start + Milliseconds(999)));
  // Whoever waits does so for longer than any lease that can have been renewed by then.
  CHECK(log::lease_surely_over(start, Milliseconds(1000)) > start + Milliseconds(1000));
}

TEST_CASE("lease: a new owner waits for the old one's, but not after a hand-over") {
  TestCluster cluster;
  auto options = cluster.options("a");
  options.lease = Milliseconds(700);
  {
    auto first = log::open_kafka_log(options, cluster.next_nonce());
    require_ok(first);
    log::Append append;
    append.access.push_back(access_of(1, 10));
    require_ok((*first)->append(std::span(&append, 1)));
    CHECK_FALSE((*first)->stopped());
  }
  options.store.directory = cluster.store("b").string();
  const auto began = Lease::Clock::now();
  auto second = log::open_kafka_log(options, cluster.next_nonce());
  require_ok(second);
  CHECK(Lease::Clock::now() - began >= Milliseconds(700));
  require_ok((*second)->release());
  CHECK((*second)->stopped());
  second = fail(ErrorCode::unavailable, "closed");
  auto third = log::open_kafka_log(options, cluster.next_nonce());
  require_ok(third);
  log::Append append;
  append.access.push_back(access_of(1, 20));
  require_ok((*third)->append(std::span(&append, 1)));
}

TEST_CASE("lease: reads alone are confirmed by barriers once the lease has run out") {
  TestCluster cluster;
  auto options = cluster.options("a");
  options.lease = Milliseconds(150);
  auto owner = log::open_kafka_log(options, cluster.next_nonce());
  require_ok(owner);
  auto other = cluster.options("b");
  other.lease = options.lease;
  for (int i = 0; i < 5; ++i) {
    log::Append append;
    append.access.push_back(access_of(1, 10 + i));
    require_ok((*owner)->append(std::span(&append, 1)));
    std::this_thread::sleep_for(Milliseconds(60));
  }
  // Another claim: the old owner cannot confirm a read any more, though it writes no event.
  auto usurper = log::open_kafka_log(other, cluster.next_nonce());
  require_ok(usurper);
  log::Append append;
  append.access.push_back(access_of(1, 99));
  const auto refused = (*owner)->append(std::span(&append, 1));
  REQUIRE_FALSE(refused.ok());
  CHECK((*owner)->stopped());
}

}  // namespace
}  // namespace coffer::testing
