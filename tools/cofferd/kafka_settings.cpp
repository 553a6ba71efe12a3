#include "tools/cofferd/kafka_settings.h"

#include "tools/cofferd/data_folder.h"

namespace coffer::server {

using std::chrono::milliseconds;

Result<log::KafkaLogOptions> kafka_log_options(const Config& config) {
  const auto& kafka = config.kafka;
  log::KafkaLogOptions options;
  auto& client = options.client;
  client.bootstrap = kafka.bootstrap;
  client.client_id = "coffer-" + config.cluster.node;
  client.delivery_timeout = milliseconds(kafka.delivery_timeout_ms);
  if (!kafka.ca_file.empty())
    client.tls = log::KafkaTls{kafka.ca_file, kafka.certificate_file, kafka.key_file, nullptr};
  if (!kafka.sasl_mechanism.empty()) {
    COFFER_ASSIGN(auto password, read_secret_file(kafka.sasl_password_file));
    client.sasl = log::KafkaSasl{kafka.sasl_mechanism, kafka.sasl_user,
                                 std::make_shared<const SecretBytes>(std::move(password))};
  }
  options.topics.prefix = kafka.topic_prefix;
  options.topics.replication = kafka.replication;
  options.topics.in_sync_replicas_min = kafka.in_sync_replicas_min;
  options.store = config.store;
  options.store.directory = config.data_dir + "/store";
  options.node = config.cluster.node;
  options.lease = milliseconds(kafka.lease_ms);
  options.record_version_max = static_cast<std::uint32_t>(config.cluster.protocol_version_max);
  return options;
}

}  // namespace coffer::server
