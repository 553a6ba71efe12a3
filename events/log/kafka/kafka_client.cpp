#include "events/log/kafka/kafka_client.h"

#include <future>
#include <thread>

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace coffer::log {
namespace {

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const noexcept { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, ConfDeleter>;

Result<void> set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char reason[512] = {};
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason, sizeof reason) ==
      RD_KAFKA_CONF_OK)
    return {};
  // The library's text may repeat the value, which may be a password.
  return fail(ErrorCode::invalid_argument,
              fmt::format("the Kafka client refuses its setting {}", name));
}

Result<void> set_security(rd_kafka_conf_t* conf, const KafkaClientOptions& options) {
  const char* protocol = options.tls ? (options.sasl ? "sasl_ssl" : "ssl")
                                     : (options.sasl ? "sasl_plaintext" : "plaintext");
  COFFER_TRY(set(conf, "security.protocol", protocol));
  if (options.tls) {
    COFFER_TRY(set(conf, "ssl.ca.location", options.tls->ca_file));
    if (!options.tls->certificate_file.empty()) {
      COFFER_TRY(set(conf, "ssl.certificate.location", options.tls->certificate_file));
      COFFER_TRY(set(conf, "ssl.key.location", options.tls->key_file));
    }
    if (options.tls->key_password)
      COFFER_TRY(
          set(conf, "ssl.key.password", std::string(options.tls->key_password->expose_text())));
  }
  if (options.sasl) {
    COFFER_TRY(set(conf, "sasl.mechanism", options.sasl->mechanism));
    COFFER_TRY(set(conf, "sasl.username", options.sasl->user));
    if (options.sasl->password)
      COFFER_TRY(set(conf, "sasl.password", std::string(options.sasl->password->expose_text())));
  }
  return {};
}

Result<void> set_all(rd_kafka_conf_t* conf,
                     std::initializer_list<std::pair<const char*, std::string>> settings) {
  for (const auto& [name, value] : settings) COFFER_TRY(set(conf, name, value));
  return {};
}

Result<void> set_producer(rd_kafka_conf_t* conf, const KafkaClientOptions& options) {
  COFFER_TRY(
      set_all(conf, {{"enable.idempotence", "true"},
                     {"acks", "all"},
                     {"linger.ms", "0"},             // the log groups commands itself
                     {"compression.codec", "none"},  // sealed bytes do not compress
                     {"message.timeout.ms", std::to_string(options.delivery_timeout.count())},
                     {"message.max.bytes", std::to_string(options.message_bytes_max)}}));
  rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
  return {};
}

Result<void> set_consumer(rd_kafka_conf_t* conf, KafkaRole role) {
  COFFER_TRY(set_all(conf, {{"enable.auto.commit", "false"},
                            {"enable.partition.eof", "true"},
                            {"auto.offset.reset", "error"},  // a gap is never jumped in silence
                            {"allow.auto.create.topics", "false"},
                            {"check.crcs", "true"},
                            // A follower reads what came in 25 ms at once: an answer for each of
                            // the owner's writes cost brokers and followers most of their time. Not
                            // longer, since a partition joins only the next fetch of a broker: a
                            // take-over waits out the present one.
                            {"fetch.wait.max.ms", "25"},
                            {"fetch.min.bytes", "262144"},
                            {"fetch.error.backoff.ms", "50"},
                            {"queued.max.messages.kbytes", "16384"}}));
  const int group_events =
      role == KafkaRole::group_member ? RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_STATS : 0;
  rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG | group_events);
  return {};
}

}  // namespace

void KafkaHandleDeleter::operator()(rd_kafka_s* handle) const noexcept {
  // Closing may hang in the library for as long as a broker does not answer.
  std::promise<void> closed;
  auto done = closed.get_future();
  std::thread closing([handle, closed = std::move(closed)]() mutable {
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    closed.set_value();
  });
  if (done.wait_for(shutdown_timeout) == std::future_status::ready)
    closing.join();
  else
    closing.detach();
}

void KafkaTopicDeleter::operator()(rd_kafka_topic_s* topic) const noexcept {
  rd_kafka_topic_destroy(topic);
}

void KafkaQueueDeleter::operator()(rd_kafka_queue_s* queue) const noexcept {
  rd_kafka_queue_destroy(queue);
}

Result<KafkaHandle> make_kafka_handle(const KafkaClientOptions& options, KafkaRole role) {
  Conf conf(rd_kafka_conf_new());
  COFFER_TRY(
      set_all(conf.get(), {{"bootstrap.servers", options.bootstrap},
                           {"client.id", options.client_id},
                           {"socket.nagle.disable", "true"},  // 40 ms a write otherwise
                           {"socket.keepalive.enable", "true"},
                           {"socket.connection.setup.timeout.ms", "5000"},
                           {"reconnect.backoff.ms", "50"},
                           {"reconnect.backoff.max.ms", "1000"},
                           {"log.queue", "true"}}));  // else the library writes to standard error
  COFFER_TRY(set_security(conf.get(), options));
  if (role == KafkaRole::producer) {
    COFFER_TRY(set_producer(conf.get(), options));
  } else {
    COFFER_TRY(set_consumer(conf.get(), role));
  }
  for (const auto& [name, value] : options.extra) COFFER_TRY(set(conf.get(), name, value));

  char reason[512] = {};
  auto* raw = rd_kafka_new(role == KafkaRole::producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER,
                           conf.get(), reason, sizeof reason);
  if (raw == nullptr)
    return fail(ErrorCode::invalid_argument, fmt::format("cannot make a Kafka client: {}", reason));
  static_cast<void>(conf.release());  // the handle has it now
  KafkaHandle handle(raw, KafkaHandleDeleter{options.shutdown_timeout});
  rd_kafka_set_log_queue(raw, nullptr);  // to the main queue, which the owner polls
  return handle;
}

Error kafka_error(int code, std::string_view what) {
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  const bool too_large = error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
                         error == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
  return fail(too_large ? ErrorCode::too_large : ErrorCode::unavailable,
              fmt::format("{}: {}", what, rd_kafka_err2str(error)));
}

Result<std::uint32_t> fetch_partitions(rd_kafka_s* handle, rd_kafka_topic_s* topic,
                                       Milliseconds timeout) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error =
      rd_kafka_metadata(handle, 0, topic, &metadata, static_cast<int>(timeout.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(error, "no answer from Kafka");
  const std::unique_ptr<const rd_kafka_metadata_t, void (*)(const rd_kafka_metadata_t*)> owned(
      metadata, rd_kafka_metadata_destroy);
  if (metadata->topic_cnt != 1)
    return fail(ErrorCode::unavailable, "Kafka described no topic where one was asked for");
  const auto& found = metadata->topics[0];
  if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return 0u;
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR)
    return kafka_error(found.err, fmt::format("the topic {} is not usable", found.topic));
  for (int i = 0; i < found.partition_cnt; ++i)
    if (found.partitions[i].leader < 0)
      return fail(ErrorCode::unavailable,
                  fmt::format("partition {} of the topic {} has no leader", i, found.topic));
  return static_cast<std::uint32_t>(found.partition_cnt);
}

Result<std::uint32_t> await_partitions(rd_kafka_s* handle, rd_kafka_topic_s* topic,
                                       Milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    auto partitions = fetch_partitions(handle, topic, timeout);
    if (partitions.ok() && *partitions > 0) return partitions;
    if (std::chrono::steady_clock::now() >= deadline) return partitions;
    std::this_thread::sleep_for(Milliseconds(20));
  }
}

}  // namespace coffer::log
