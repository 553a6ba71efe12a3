// Nodes of two versions on one log: the older one reads what it is given and nothing beyond it.
#include "tests/kafka/kafka_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

KafkaLogOptions of_version(TestCluster& cluster, const std::string& node, std::uint32_t version) {
  auto options = cluster.options(node);
  options.record_version_max = version;
  return options;
}

std::unique_ptr<KafkaReplica> follow(TestCluster& cluster, const std::string& node,
                                     std::uint32_t version) {
  auto opened = KafkaReplica::open(of_version(cluster, node, version));
  require_ok(opened);
  return std::move(*opened);
}

void append_three(KafkaEventLog& log) {
  append_all(
      log, {append_of(event_of(1, "a")), append_of(event_of(1, "b")), append_of(event_of(2, "c"))});
}

void check_refused(const Error& error) {
  CHECK(error.code == ErrorCode::unsupported);
  CHECK(error.message.find("cluster.protocol_version_max") != std::string::npos);
}

}  // namespace

TEST_CASE("record version: an older node follows and owns as long as nothing newer is written") {
  TestCluster cluster;
  auto newer = cluster.open("newer");
  newer->set_record_version(1);
  const auto older = follow(cluster, "older", 1);
  append_three(*newer);
  append_three(*newer);
  require_ok(older->catch_up(0));
  CHECK(older->state().heads(0).events == 6);
  CHECK(older->place(0).events_next == 7);  // the claim, and a message for each command
  require_ok(newer->release());
  newer.reset();
  auto owner = open_kafka_log(of_version(cluster, "older-too", 1), cluster.next_nonce());
  require_ok(owner);
  append_three(**owner);
  const auto follower = cluster.follow("newer");
  require_ok(follower->catch_up(0));
  CHECK(contents_of(follower->state()) == contents_of(**owner));
}

TEST_CASE("record version: an older node stops at the first newer message, with the reason") {
  TestCluster cluster;
  const auto newer = cluster.open("newer");
  auto older = follow(cluster, "older", 1);
  append_three(*newer);
  const auto read = older->catch_up(0);
  REQUIRE_FALSE(read.ok());
  check_refused(read.error());
  CHECK(older->state().heads(0).events == 0);
  older.reset();
  const auto owner = open_kafka_log(of_version(cluster, "older", 1), cluster.next_nonce());
  REQUIRE_FALSE(owner.ok());
  check_refused(owner.error());
  append_three(*newer);  // it was not disturbed
}

TEST_CASE("record version: once it is raised an older node does not even open its store") {
  TestCluster cluster;
  const auto newer = cluster.open("newer");
  newer->set_record_version(1);
  auto older = follow(cluster, "older", 1);
  append_three(*newer);
  require_ok(older->catch_up(0));
  append_all(*newer, {record_version_change(2)});
  newer->set_record_version(2);
  append_three(*newer);
  const auto read = older->catch_up(0);
  REQUIRE_FALSE(read.ok());
  check_refused(read.error());
  const auto follower = cluster.follow("other");
  require_ok(follower->catch_up(0));
  CHECK(**read_record_version(follower->state()) == 2);
  older = nullptr;
  // A node that has read the row and was taken back to the older release.
  const auto again = KafkaReplica::open(of_version(cluster, "newer", 1));
  CHECK_FALSE(again.ok());
  const auto back = [&] {
    auto options = of_version(cluster, "other", 1);
    options.store.directory += "-copy";
    std::filesystem::copy(cluster.store("other"), options.store.directory,
                          std::filesystem::copy_options::recursive);
    return KafkaReplica::open(options);
  }();
  REQUIRE_FALSE(back.ok());
  check_refused(back.error());
}
