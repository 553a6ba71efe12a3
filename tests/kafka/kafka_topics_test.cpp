// Topics are made with settings that lose nothing; existing ones that could lose something are
// refused, and the text says why.
#include <librdkafka/rdkafka.h>

#include "tests/kafka/kafka_fixture.h"

using namespace coffer;
using namespace coffer::log;
using namespace coffer::testing;

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

void make_topic(TestCluster& cluster, const std::string& name, int partitions,
                const Settings& settings) {
  const auto handle = make_kafka_handle(cluster.options().client, KafkaRole::producer);
  require_ok(handle);
  auto* topic = rd_kafka_NewTopic_new(name.c_str(), partitions, 1, nullptr, 0);
  for (const auto& [key, value] : settings)
    rd_kafka_NewTopic_set_config(topic, key.c_str(), value.c_str());
  const KafkaQueue queue(rd_kafka_queue_new(handle->get()));
  rd_kafka_CreateTopics(handle->get(), &topic, 1, nullptr, queue.get());
  rd_kafka_NewTopic_destroy(topic);
  auto* event = rd_kafka_queue_poll(queue.get(), 10'000);
  REQUIRE(event != nullptr);
  std::size_t count = 0;
  const auto** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  REQUIRE(count == 1);
  CHECK(rd_kafka_topic_result_error(results[0]) == RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_event_destroy(event);
}

// The cases make topics with one replica, also where there are more brokers.
KafkaLogOptions single(TestCluster& cluster) {
  auto options = cluster.options();
  options.topics.replication = 1;
  options.topics.in_sync_replicas_min = 1;
  return options;
}

Settings with(Settings settings, const std::string& name, const std::string& value) {
  for (auto& [key, old] : settings)
    if (key == name) old = value;
  return settings;
}

}  // namespace

TEST_CASE("kafka topics: what was made is found fitting") {
  TestCluster cluster;
  const auto options = cluster.options();
  require_ok(ensure_topics(options.client, options.topics));
  require_ok(ensure_topics(options.client, options.topics));
}

TEST_CASE("kafka topics: a topic that could lose records is refused") {
  const Settings events{{"cleanup.policy", "delete"},
                        {"retention.ms", "-1"},
                        {"retention.bytes", "-1"},
                        {"unclean.leader.election.enable", "false"},
                        {"min.insync.replicas", "1"},
                        {"max.message.bytes", "2000000"},
                        {"message.timestamp.type", "LogAppendTime"}};
  const auto keys = with(events, "cleanup.policy", "compact");
  const std::string lost = ": it could lose records";
  struct Row {
    std::string topic;
    int partitions;
    Settings settings;
    std::string complaint;
  };
  const std::vector<Row> rows{
      {"events", 1, events, ""},
      {"events", 2, events,
       " has 2 partitions and must have 1: tenants are bound to partitions for ever"},
      {"events", 1, with(events, "retention.ms", "604800000"),
       " has retention.ms=604800000 and must have -1" + lost},
      {"events", 1, with(events, "retention.bytes", "1000000"),
       " has retention.bytes=1000000 and must have -1" + lost},
      {"events", 1, with(events, "cleanup.policy", "compact"),
       " has cleanup.policy=compact and must have delete" + lost},
      {"events", 1, with(events, "cleanup.policy", "compact,delete"),
       " has cleanup.policy=compact,delete and must have delete" + lost},
      {"events", 1, with(events, "unclean.leader.election.enable", "true"),
       " has unclean.leader.election.enable=true and must have false" + lost},
      {"events", 1, with(events, "max.message.bytes", "1000"),
       " has max.message.bytes=1000 and must have at least 1048576" + lost},
      {"events", 1, with(events, "message.timestamp.type", "CreateTime"),
       " has message.timestamp.type=CreateTime and must have LogAppendTime: it would refuse a node "
       "whose clock is ahead"},
      {"access", 1, with(events, "retention.ms", "3600000"),
       " has retention.ms=3600000 and must have at least 31536000000" + lost},
      {"access", 1, events, ""},
      {"keys", 1, events, " has cleanup.policy=delete and must have compact" + lost},
      {"keys", 1, with(keys, "cleanup.policy", "compact,delete"),
       " has cleanup.policy=compact,delete and must have compact" + lost},
      {"keys", 1, keys, ""},
  };
  for (const auto& row : rows) {
    TestCluster cluster;
    const auto name = cluster.prefix() + "-" + row.topic;
    CAPTURE(name);
    make_topic(cluster, name, row.partitions, row.settings);
    const auto options = single(cluster);
    const auto checked = ensure_topics(options.client, options.topics);
    CHECK(checked.ok() == row.complaint.empty());
    if (checked.ok()) continue;
    CHECK(checked.error().code == ErrorCode::invalid_argument);
    CHECK(checked.error().message == "the topic " + name + row.complaint);
  }
}

TEST_CASE("kafka topics: fewer in-sync replicas than asked for are refused") {
  TestCluster cluster;
  auto options = single(cluster);
  require_ok(ensure_topics(options.client, options.topics));
  options.topics.in_sync_replicas_min = 2;
  CHECK(ensure_topics(options.client, options.topics).error().message ==
        "the topic " + cluster.prefix() +
            "-events has min.insync.replicas=1 and must have at least 2: it could lose records");
}

TEST_CASE("kafka client: an option that is refused is named, and no secret is repeated") {
  TestCluster cluster;
  auto options = cluster.options().client;
  options.sasl = KafkaSasl{"NO-SUCH-MECHANISM", "user",
                           std::make_shared<const SecretBytes>(std::string_view("hunter2"))};
  const auto handle = make_kafka_handle(options, KafkaRole::producer);
  REQUIRE_FALSE(handle.ok());
  CHECK(handle.error().code == ErrorCode::invalid_argument);
  CHECK(handle.error().message.find("hunter2") == std::string::npos);
  options = cluster.options().client;
  options.extra.emplace_back("ssl.key.password.x", "hunter2");
  CHECK(make_kafka_handle(options, KafkaRole::producer).error().message ==
        "the Kafka client refuses its setting ssl.key.password.x");
}

TEST_CASE("kafka client: a client certificate opens what no certificate does") {
  TestCluster cluster;
  auto options = cluster.options();
  const auto folder = required_environment("COFFER_TEST_KAFKA_CERTIFICATES");
  options.client.bootstrap = required_environment("COFFER_TEST_KAFKA_TLS");
  options.client.tls =
      KafkaTls{folder + "/ca.pem", folder + "/client.pem", folder + "/client.key", nullptr};
  auto log = open_kafka_log(options, kNonce);
  require_ok(log);
  CHECK(append_all(**log, {append_of(event_of(1, "a"))}).front().position == 1);

  struct Row {
    const char* who;
    std::optional<KafkaTls> tls;
  };
  for (const auto& row : {Row{"no TLS", std::nullopt},
                          Row{"no certificate", KafkaTls{folder + "/ca.pem", "", "", nullptr}},
                          Row{"another authority",
                              KafkaTls{"/etc/ssl/certs/ca-certificates.crt", folder + "/client.pem",
                                       folder + "/client.key", nullptr}}}) {
    CAPTURE(std::string(row.who));
    auto refused = options;
    refused.client.tls = row.tls;
    refused.client.request_timeout = Milliseconds(1'000);
    CHECK(ensure_topics(refused.client, refused.topics).error().code == ErrorCode::unavailable);
  }
}

TEST_CASE("kafka client: no broker is unavailable, within the time allowed") {
  TestCluster cluster;
  auto options = cluster.options();
  options.client.bootstrap = "127.0.0.1:1";
  options.client.request_timeout = Milliseconds(500);
  const auto started = std::chrono::steady_clock::now();
  CHECK(open_kafka_log(options, kNonce).error().code == ErrorCode::unavailable);
  CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(5));
}
