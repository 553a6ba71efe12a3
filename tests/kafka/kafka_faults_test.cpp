// What goes wrong between the log and its broker: kill -9, silence, errors in answers. The broker's
// faults are real; single errors in answers come from the library's mock cluster.
#include <thread>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "tests/kafka/kafka_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

Append row_append(std::uint8_t number) {
  auto append = append_of(event_of(1, "payload"));
  append.changes.push_back({Family::values, {number}, Bytes{number}, false});
  append.changes.push_back({Family::keys, {number}, Bytes(40, number), false});
  append.access.push_back(access_of(1, number));
  return append;
}

Result<std::vector<Appended>> try_append(EventLog& log, std::uint8_t number) {
  std::vector<Append> batch{row_append(number)};
  return log.append(batch);
}

bool has_row(const StateReader& log, std::uint8_t number) {
  const auto row = log.get(Family::values, Bytes{number});
  require_ok(row);
  return row->has_value();
}

KafkaLogOptions impatient(TestCluster& cluster) {
  auto options = cluster.options();
  options.client.delivery_timeout = Milliseconds(1'500);
  options.client.request_timeout = Milliseconds(1'000);
  return options;
}

std::unique_ptr<KafkaEventLog> opened(const KafkaLogOptions& options, TestCluster& cluster) {
  auto log = open_kafka_log(options, cluster.next_nonce());
  require_ok(log);
  return std::move(*log);
}

// Silence of the only broker; with more of them the others take over.
bool has_other_brokers() {
  return required_environment("COFFER_TEST_KAFKA").find(',') != std::string::npos;
}

// What every reader of the topics comes to.
void check_same_for_all(TestCluster& cluster, const KafkaEventLog& log) {
  const auto follower = cluster.follow("reader");
  require_ok(follower->catch_up(0));
  CHECK(contents_of(follower->state()) == contents_of(log));
}

// One producer on a mock cluster whose next answers to produce requests are `errors`.
struct MockCluster {
  KafkaHandle owner;
  rd_kafka_mock_cluster_t* cluster = nullptr;
  KafkaClientOptions options;
  std::string topic = "mocked";

  MockCluster() {
    options.bootstrap = "unused:1";
    options.delivery_timeout = Milliseconds(2'000);
    auto made = make_kafka_handle(options, KafkaRole::producer);
    require_ok(made);
    owner = std::move(*made);
    cluster = rd_kafka_mock_cluster_new(owner.get(), 1);
    rd_kafka_mock_topic_create(cluster, topic.c_str(), 1, 1);
    options.bootstrap = rd_kafka_mock_cluster_bootstraps(cluster);
  }
  ~MockCluster() { rd_kafka_mock_cluster_destroy(cluster); }

  void fail_next(std::initializer_list<rd_kafka_resp_err_t> errors) {
    for (const auto error : errors)
      rd_kafka_mock_push_request_errors(cluster, 0 /* Produce */, 1, error);
  }
};

Result<KafkaOffset> send_one(KafkaProducer& producer, const std::string& topic) {
  const KafkaMessage message{{}, as_bytes("text")};
  COFFER_ASSIGN(const auto tickets, producer.send(topic, 0, std::span(&message, 1)));
  COFFER_ASSIGN(const auto offsets, producer.await(tickets));
  return offsets.front();
}

}  // namespace

TEST_CASE("kafka faults: a broker that is killed and comes back costs waiting, nothing else") {
  TestCluster cluster;
  auto options = cluster.options();
  options.client.delivery_timeout = Milliseconds(30'000);
  auto log = opened(options, cluster);
  require_ok(try_append(*log, 1));
  control_broker("kill");
  std::thread starter([] { control_broker("start"); });
  const auto appended = try_append(*log, 2);
  starter.join();
  require_ok(appended);
  CHECK(appended->front().tenant_sequence == 2);
  CHECK(log->epoch(0) == 1);
  check_same_for_all(cluster, *log);
}

TEST_CASE("kafka faults: a broker that is gone leaves the outcome open until the log recovers") {
  if (has_other_brokers()) return;
  TestCluster cluster;
  auto log = opened(impatient(cluster), cluster);
  require_ok(try_append(*log, 1));
  control_broker("kill");
  CHECK(try_append(*log, 2).error().code == ErrorCode::unknown_outcome);
  CHECK(try_append(*log, 3).error().code == ErrorCode::unavailable);
  CHECK(log->recover(cluster.next_nonce()).error().code == ErrorCode::unavailable);
  CHECK(has_row(*log, 1));  // reads go on
  control_broker("start");
  require_ok(log->recover(cluster.next_nonce()));
  CHECK_FALSE(has_row(*log, 2));  // its blob and access record were waited for first
  CHECK_FALSE(has_row(*log, 3));
  const auto appended = try_append(*log, 4);
  require_ok(appended);
  CHECK(appended->front().tenant_sequence == 2);
  check_same_for_all(cluster, *log);
}

TEST_CASE("kafka faults: a write that arrives after its time is decided alike by all readers") {
  if (has_other_brokers()) return;
  for (const bool with_keys : {true, false}) {
    CAPTURE(with_keys);
    TestCluster cluster;
    auto log = opened(impatient(cluster), cluster);
    require_ok(try_append(*log, 1));
    // The request is in the socket of a broker that sleeps: it is carried out when it wakes up.
    control_broker("pause");
    std::vector<Append> batch{with_keys ? row_append(2) : put(Family::values, {2}, {2})};
    CHECK(log->append(batch).error().code == ErrorCode::unknown_outcome);
    control_broker("resume");
    require_ok(log->recover(cluster.next_nonce()));
    CHECK(log->epoch(0) == 2);
    check_same_for_all(cluster, *log);
    require_ok(try_append(*log, 3));
    check_same_for_all(cluster, *log);
  }
}

TEST_CASE("kafka faults: answers with errors that pass are retried at dense offsets") {
  MockCluster mock;
  auto producer = KafkaProducer::create(mock.options, std::span(&mock.topic, 1));
  require_ok(producer);
  const auto before = send_one(**producer, mock.topic);
  require_ok(before);
  mock.fail_next(
      {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION});
  const auto after = send_one(**producer, mock.topic);
  require_ok(after);
  CHECK(*after == *before + 1);
}

TEST_CASE("kafka faults: answers with errors that last leave the outcome open") {
  for (const auto error :
       {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH}) {
    CAPTURE(static_cast<int>(error));
    MockCluster mock;
    auto producer = KafkaProducer::create(mock.options, std::span(&mock.topic, 1));
    require_ok(producer);
    require_ok(send_one(**producer, mock.topic));
    mock.fail_next({error});
    const auto sent = send_one(**producer, mock.topic);
    REQUIRE_FALSE(sent.ok());
    CHECK(sent.error().code == ErrorCode::unknown_outcome);
  }
}
