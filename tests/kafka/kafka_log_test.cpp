// One owner at a time: what is appended is there, after a restart, on an empty store, at a
// follower.
#include "tests/kafka/kafka_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

// An element with an event, an access record, a stamped row and a key.
Append full_append(std::uint8_t number) {
  auto append = append_of(event_of(1, "payload"));
  append.access.push_back(access_of(1, number));
  append.changes.push_back({Family::aggregates, {number}, Bytes{number, 1}, true});
  append.changes.push_back({Family::keys, {number}, Bytes(40, number), false});
  return append;
}

}  // namespace

TEST_CASE("kafka: an append is numbered, chained, readable and survives a restart") {
  TestCluster cluster;
  Contents before;
  {
    const auto log = cluster.open();
    CHECK(log->epoch(0) == 1);
    const auto out = append_all(*log, {full_append(1), append_of(event_of(2, "other tenant")),
                                       put(Family::meta, {1}, {2}), full_append(3)});
    REQUIRE(out.size() == 4);
    CHECK(out[0].position == 1);
    CHECK(out[1].tenant_sequence == 1);
    CHECK(out[2].tenant_sequence == 0);
    CHECK(out[3].position == 3);
    CHECK(out[3].tenant_sequence == 2);
    CHECK(log->events_end(0) == 3);
    CHECK(log->access_end(0) == 2);
    CHECK(**log->get(Family::keys, Bytes{3}) == Bytes(40, 3));
    CHECK(append_all(*log, {}).empty());
    REQUIRE(log->barrier(0).ok());
    append_all(*log, {full_append(4)});
    before = contents_of(*log);
  }
  const auto log = cluster.open();
  CHECK(log->epoch(0) == 2);
  CHECK(contents_of(*log) == before);
  CHECK(append_all(*log, {append_of(event_of(1, "again"))}).front().tenant_sequence == 4);
}

TEST_CASE("kafka: a wiped store is filled again from the topics") {
  TestCluster cluster;
  auto log = cluster.open();
  append_all(*log, {full_append(1), full_append(2)});
  append_all(*log, {full_append(3)});
  const auto before = contents_of(*log);
  log.reset();
  cluster.wipe("a");
  log = cluster.open();
  CHECK(contents_of(*log) == before);
  CHECK(append_all(*log, {full_append(4)}).front().tenant_sequence == 4);
}

TEST_CASE("kafka: commands that are appended together share messages up to a size") {
  TestCluster cluster;
  auto log = cluster.open();
  auto follower = cluster.follow("b");
  const auto messages_of = [&](std::vector<Append> batch) {
    require_ok(follower->catch_up(0));
    const auto before = follower->place(0).events_next;
    append_all(*log, std::move(batch));
    require_ok(follower->catch_up(0));
    CHECK(contents_of(follower->state()) == contents_of(*log));
    return follower->place(0).events_next - before;
  };
  const auto sized = [](std::uint8_t name, std::size_t bytes) {
    return put(Family::values, {name}, Bytes(bytes, name));
  };
  std::vector<Append> small;
  for (std::uint8_t i = 0; i < 100; ++i) small.push_back(full_append(i));
  CHECK(messages_of({full_append(1)}) == 1);
  CHECK(messages_of(small) == 1);
  CHECK(messages_of({sized(1, 100'000), sized(2, 100'000), sized(3, 100'000)}) == 2);
  CHECK(messages_of({sized(1, 500'000), sized(2, 10), sized(3, 500'000), sized(1, 10)}) == 4);
  std::vector<Append> too_large{sized(9, 10), sized(9, 2'000'000)};
  CHECK(log->append(too_large).error().code == ErrorCode::too_large);
  CHECK_FALSE((*log->get(Family::values, Bytes{9})).has_value());
  CHECK(messages_of({full_append(2)}) == 1);  // nothing was sent and nothing is lost
}

TEST_CASE("kafka: a follower applies what the owner writes and takes over after its release") {
  TestCluster cluster;
  auto owner = cluster.open("a");
  auto follower = cluster.follow("b");
  append_all(*owner, {full_append(1), full_append(2)});
  REQUIRE(follower->catch_up(0).ok());
  CHECK(*follower->lag(0) == 0);
  CHECK(contents_of(follower->state()) == contents_of(*owner));
  CHECK(follower->place(0).owner == "a");
  append_all(*owner, {full_append(3)});
  CHECK(*follower->lag(0) == 1);
  while (*follower->lag(0) > 0) require_ok(follower->step(Milliseconds(100)));
  REQUIRE(owner->release().ok());
  CHECK(owner->append({}).error().message == "this node has handed its partitions over");
  REQUIRE(follower->catch_up(0).ok());
  CHECK(follower->place(0).events_claim.released);
  auto taken = KafkaEventLog::take_over(std::move(follower), cluster.next_nonce());
  require_ok(taken);
  CHECK(contents_of(**taken) == contents_of(*owner));
  CHECK(append_all(**taken, {full_append(4)}).front().tenant_sequence == 4);
}

TEST_CASE("kafka: the second claimer fences the first, and no reader sees a zombie's record") {
  TestCluster cluster;
  auto zombie = cluster.open("a");
  append_all(*zombie, {full_append(1)});
  auto owner = cluster.open("b");
  append_all(*owner, {full_append(2)});

  std::vector<Append> late{full_append(66)};
  const auto written = zombie->append(late);
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().code == ErrorCode::unknown_outcome);
  // It has read on and knows now.
  CHECK(contents_of(*zombie) == contents_of(*owner));
  std::vector<Append> again{full_append(67)};
  const auto refused = zombie->append(again);
  CHECK(refused.error().code == ErrorCode::unavailable);
  const std::string why = "partition 0 was claimed by b with epoch 2: writes go to that node";
  CHECK(refused.error().message == why);
  CHECK(zombie->recover(cluster.next_nonce()).error().message == why);
  CHECK(zombie->barrier(0).error().message == why);

  // The zombie's records stand in the log: the owner meets the gap and reads over it.
  append_all(*owner, {full_append(3)});
  CHECK(owner->epoch(0) == 2);
  append_all(*owner, {full_append(4)});
  CHECK_FALSE((*owner->get(Family::aggregates, Bytes{66})).has_value());
  const auto follower = cluster.follow("c");
  REQUIRE(follower->catch_up(0).ok());
  CHECK(contents_of(follower->state()) == contents_of(*owner));
  CHECK_FALSE((*follower->state().get(Family::keys, Bytes{66})).has_value());
}

TEST_CASE("kafka: an idle zombie learns of its loss by a barrier") {
  TestCluster cluster;
  const auto zombie = cluster.open("a");
  const auto owner = cluster.open("b");
  CHECK(zombie->barrier(0).error().code == ErrorCode::unknown_outcome);
  CHECK(zombie->barrier(0).error().code == ErrorCode::unavailable);
}

TEST_CASE("kafka: a change beyond the limit is refused before anything is sent") {
  TestCluster cluster;
  const auto log = cluster.open();
  std::vector<Append> batch{full_append(1), put(Family::values, {1}, Bytes(1u << 20, 1))};
  CHECK(log->append(batch).error().code == ErrorCode::too_large);
  CHECK_FALSE((*log->get(Family::keys, Bytes{1})).has_value());
  CHECK(append_all(*log, {full_append(1)}).front().tenant_sequence == 1);
  std::vector<Append> foreign{full_append(2)};
  foreign.front().partition = 1;
  CHECK(log->append(foreign).error().message == "this node does not own partition 1");
}

TEST_CASE("kafka: a store that is ahead of its topics is refused") {
  TestCluster one;
  append_all(*one.open("a"), {full_append(1), full_append(2)});
  TestCluster other;
  auto options = other.options("a");
  options.store.directory = one.store("a").string();
  const auto opened = open_kafka_log(options, kNonce);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == ErrorCode::corrupt);
}
