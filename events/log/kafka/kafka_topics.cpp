#include "events/log/kafka/kafka_topics.h"

#include <map>
#include <thread>

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace coffer::log {
namespace {

using Settings = std::map<std::string, std::string>;

// A setting that an existing topic must have: exactly `value`, or a number that is at least it.
struct Requirement {
  std::string name;
  std::string value;
  bool at_least = false;
  std::string_view otherwise = "it could lose records";
};

struct TopicPlan {
  std::string name;
  Settings settings;  // of a topic made here
  std::vector<Requirement> requirements;
};

struct EventDeleter {
  void operator()(rd_kafka_event_t* event) const noexcept { rd_kafka_event_destroy(event); }
};
using Event = std::unique_ptr<rd_kafka_event_t, EventDeleter>;
struct OptionsDeleter {
  void operator()(rd_kafka_AdminOptions_t* o) const noexcept { rd_kafka_AdminOptions_destroy(o); }
};
using AdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, OptionsDeleter>;

std::vector<TopicPlan> plans(const KafkaClientOptions& client, const KafkaTopicOptions& options) {
  const auto names = topic_names(options.prefix);
  const auto retention = std::to_string(options.access_retention.count());
  const auto lag = std::to_string(options.key_compaction_lag_max.count());
  const Settings common{
      {"unclean.leader.election.enable", "false"},
      {"min.insync.replicas", std::to_string(options.in_sync_replicas_min)},
      {"max.message.bytes", std::to_string(client.message_bytes_max + 1024)},
      // Kafka refuses records from an hour ahead of its own clock, unless it sets their time.
      {"message.timestamp.type", "LogAppendTime"},
  };
  std::vector<TopicPlan> out{
      {names.events,
       {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}},
       {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}}},
      {names.access,
       {{"cleanup.policy", "delete"}, {"retention.ms", retention}, {"retention.bytes", "-1"}},
       {{"cleanup.policy", "delete"},
        {"retention.ms", retention, true},
        {"retention.bytes", "-1"}}},
      // A blob whose event is not applied yet must survive: compaction takes only what has a
      // successor under its key, that is a tombstone. Small segments, since the active one is never
      // compacted.
      {names.keys,
       {{"cleanup.policy", "compact"},
        {"segment.ms", lag},
        {"segment.bytes", "16777216"},
        {"max.compaction.lag.ms", lag},
        {"min.cleanable.dirty.ratio", "0.01"}},
       {{"cleanup.policy", "compact"}}},
      {names.owners, {{"cleanup.policy", "delete"}}, {}},
  };
  for (auto& plan : out) {
    plan.settings.insert(common.begin(), common.end());
    plan.requirements.push_back({"unclean.leader.election.enable", "false"});
    plan.requirements.push_back(
        {"min.insync.replicas", std::to_string(options.in_sync_replicas_min), true});
    plan.requirements.push_back(
        {"max.message.bytes", std::to_string(client.message_bytes_max), true});
    plan.requirements.push_back({"message.timestamp.type", "LogAppendTime", false,
                                 "it would refuse a node whose clock is ahead"});
  }
  return out;
}

// -1 is "no limit" wherever a number is asked for at least.
bool fits(const Requirement& required, const std::string& value) {
  if (!required.at_least) return value == required.value;
  if (value == "-1") return true;
  return std::strtoll(value.c_str(), nullptr, 10) >=
         std::strtoll(required.value.c_str(), nullptr, 10);
}

class Admin {
 public:
  Admin(const KafkaClientOptions& options, KafkaHandle handle)
      : timeout_(options.request_timeout),
        handle_(std::move(handle)),
        queue_(rd_kafka_queue_new(handle_.get())) {}

  Result<std::uint32_t> partitions(const std::string& name) {
    KafkaTopic topic(rd_kafka_topic_new(handle_.get(), name.c_str(), nullptr));
    return fetch_partitions(handle_.get(), topic.get(), timeout_);
  }

  // Of a topic that was just made.
  Result<std::uint32_t> await_made(const std::string& name) {
    KafkaTopic topic(rd_kafka_topic_new(handle_.get(), name.c_str(), nullptr));
    return await_partitions(handle_.get(), topic.get(), timeout_);
  }

  Result<void> create(const TopicPlan& plan, const KafkaTopicOptions& options);
  // Any broker may be asked, also one that has not heard of a new topic yet.
  Result<Settings> await_settings(const std::string& name) {
    const auto deadline = std::chrono::steady_clock::now() + timeout_;
    while (true) {
      auto settings = describe(name);
      if (settings.ok() || std::chrono::steady_clock::now() >= deadline) return settings;
      std::this_thread::sleep_for(Milliseconds(20));
    }
  }

 private:
  Result<Settings> describe(const std::string& name);
  AdminOptions admin_options(rd_kafka_admin_op_t operation) {
    AdminOptions out(rd_kafka_AdminOptions_new(handle_.get(), operation));
    char reason[256];
    rd_kafka_AdminOptions_set_request_timeout(out.get(), static_cast<int>(timeout_.count()), reason,
                                              sizeof reason);
    return out;
  }
  Result<Event> answer(const std::string& what) {
    Event event(rd_kafka_queue_poll(queue_.get(), static_cast<int>(timeout_.count()) + 1000));
    if (!event) return fail(ErrorCode::unavailable, what + ": no answer from Kafka");
    if (const auto error = rd_kafka_event_error(event.get()))
      return fail(ErrorCode::unavailable,
                  fmt::format("{}: {}", what, rd_kafka_event_error_string(event.get())));
    return event;
  }

  Milliseconds timeout_;
  KafkaHandle handle_;
  KafkaQueue queue_;
};

Result<void> Admin::create(const TopicPlan& plan, const KafkaTopicOptions& options) {
  const auto what = fmt::format("cannot make the topic {}", plan.name);
  char reason[512] = {};
  auto* topic = rd_kafka_NewTopic_new(plan.name.c_str(), static_cast<int>(options.partitions),
                                      static_cast<int>(options.replication), reason, sizeof reason);
  if (topic == nullptr)
    return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", what, reason));
  const std::unique_ptr<rd_kafka_NewTopic_t, void (*)(rd_kafka_NewTopic_t*)> owned(
      topic, rd_kafka_NewTopic_destroy);
  for (const auto& [name, value] : plan.settings)
    rd_kafka_NewTopic_set_config(topic, name.c_str(), value.c_str());
  const auto admin = admin_options(RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_CreateTopics(handle_.get(), &topic, 1, admin.get(), queue_.get());
  COFFER_ASSIGN(const auto event, answer(what));
  std::size_t count = 0;
  const auto** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  if (count != 1) return fail(ErrorCode::unavailable, what + ": an empty answer");
  const auto error = rd_kafka_topic_result_error(results[0]);
  // Another node may be starting too.
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    return {};
  const auto* text = rd_kafka_topic_result_error_string(results[0]);
  return fail(ErrorCode::unavailable,
              fmt::format("{}: {}", what, text != nullptr ? text : rd_kafka_err2str(error)));
}

Result<Settings> Admin::describe(const std::string& name) {
  const auto what = fmt::format("cannot read the settings of the topic {}", name);
  auto* resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str());
  const std::unique_ptr<rd_kafka_ConfigResource_t, void (*)(rd_kafka_ConfigResource_t*)> owned(
      resource, rd_kafka_ConfigResource_destroy);
  const auto admin = admin_options(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  rd_kafka_DescribeConfigs(handle_.get(), &resource, 1, admin.get(), queue_.get());
  COFFER_ASSIGN(const auto event, answer(what));
  std::size_t count = 0;
  const auto** resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  if (count != 1 || rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(ErrorCode::unavailable, what);
  const auto** entries = rd_kafka_ConfigResource_configs(resources[0], &count);
  Settings out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto* value = rd_kafka_ConfigEntry_value(entries[i]);
    out[rd_kafka_ConfigEntry_name(entries[i])] = value != nullptr ? value : "";
  }
  return out;
}

Result<void> check(Admin& admin, const TopicPlan& plan, std::uint32_t partitions,
                   const KafkaTopicOptions& options) {
  if (partitions != options.partitions)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the topic {} has {} partitions and must have {}: tenants are bound to "
                            "partitions for ever",
                            plan.name, partitions, options.partitions));
  COFFER_ASSIGN(auto settings, admin.await_settings(plan.name));
  for (const auto& required : plan.requirements) {
    const auto& value = settings[required.name];
    if (!fits(required, value))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the topic {} has {}={} and must have {}{}: {}", plan.name,
                              required.name, value, required.at_least ? "at least " : "",
                              required.value, required.otherwise));
  }
  return {};
}

}  // namespace

KafkaTopicNames topic_names(const std::string& prefix) {
  return {prefix + "-events", prefix + "-access", prefix + "-keys", prefix + "-owners"};
}

Result<bool> topics_exist(const KafkaClientOptions& client, const std::string& prefix) {
  COFFER_ASSIGN(auto handle, make_kafka_handle(client, KafkaRole::producer));
  Admin admin(client, std::move(handle));
  const auto names = topic_names(prefix);
  for (const auto& name : {names.events, names.access, names.keys}) {
    COFFER_ASSIGN(const auto partitions, admin.partitions(name));
    if (partitions == 0) return false;
  }
  return true;
}

Result<void> ensure_topics(const KafkaClientOptions& client, const KafkaTopicOptions& options) {
  COFFER_ASSIGN(auto handle, make_kafka_handle(client, KafkaRole::producer));
  Admin admin(client, std::move(handle));
  for (const auto& plan : plans(client, options)) {
    COFFER_ASSIGN(auto partitions, admin.partitions(plan.name));
    if (partitions == 0) {
      COFFER_TRY(admin.create(plan, options));
      COFFER_ASSIGN(partitions, admin.await_made(plan.name));
    }
    COFFER_TRY(check(admin, plan, partitions, options));
  }
  return {};
}

}  // namespace coffer::log
