// What every use of the Kafka library here has in common: connection options, handles that close
// within a deadline, and errors as values. The rest of kafka/ builds on it; nothing outside kafka/
// sees the library. No callbacks: everything the library has to say arrives on queues that the
// caller polls, on the caller's thread. Error texts name brokers and topics, never credentials.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/base/result.h"
#include "events/base/secret_bytes.h"

struct rd_kafka_s;
struct rd_kafka_queue_s;
struct rd_kafka_topic_s;

namespace coffer::log {

using Milliseconds = std::chrono::milliseconds;

// Files in PEM form. The broker must know the intermediates of the client's chain: version 2.0.2
// of the library sends only the first certificate.
struct KafkaTls {
  std::string ca_file;
  std::string certificate_file;  // empty: no client certificate
  std::string key_file;
  std::shared_ptr<const SecretBytes> key_password;  // null: the key is not encrypted
};

struct KafkaSasl {
  std::string mechanism = "SCRAM-SHA-512";
  std::string user;
  std::shared_ptr<const SecretBytes> password;
};

struct KafkaClientOptions {
  std::string bootstrap;  // "host:port,host:port": list all brokers
  std::string client_id = "coffer";
  std::optional<KafkaTls> tls;  // absent: no encryption
  std::optional<KafkaSasl> sasl;
  Milliseconds request_timeout{10'000};   // metadata, topic administration
  Milliseconds delivery_timeout{10'000};  // from send() to the acknowledgement, retries included
  Milliseconds shutdown_timeout{3'000};   // closing a handle; then it is left to end by itself
  std::size_t message_bytes_max = 16u << 20;
  // Settings of the library by its own names, after all others; for tests (mock cluster).
  std::vector<std::pair<std::string, std::string>> extra;
};

struct KafkaHandleDeleter {
  Milliseconds shutdown_timeout{3'000};
  void operator()(rd_kafka_s* handle) const noexcept;
};
using KafkaHandle = std::unique_ptr<rd_kafka_s, KafkaHandleDeleter>;

struct KafkaTopicDeleter {
  void operator()(rd_kafka_topic_s* topic) const noexcept;
};
using KafkaTopic = std::unique_ptr<rd_kafka_topic_s, KafkaTopicDeleter>;

struct KafkaQueueDeleter {
  void operator()(rd_kafka_queue_s* queue) const noexcept;
};
using KafkaQueue = std::unique_ptr<rd_kafka_queue_s, KafkaQueueDeleter>;

// A consumer reads partitions that it is told to; a group member is assigned some by its group.
enum class KafkaRole : std::uint8_t { producer, consumer, group_member };

// A client instance; no connection is made yet. Errors: invalid_argument (an option that the
// library refuses; the text names the option, not a secret value).
[[nodiscard]] Result<KafkaHandle> make_kafka_handle(const KafkaClientOptions& options,
                                                    KafkaRole role);

// `code` is an rd_kafka_resp_err_t. too_large, or unavailable.
[[nodiscard]] Error kafka_error(int code, std::string_view what);

// Fetches a topic's metadata, so that the first message to it does not wait for a timer. Returns
// the number of partitions; 0: there is no such topic.
[[nodiscard]] Result<std::uint32_t> fetch_partitions(rd_kafka_s* handle, rd_kafka_topic_s* topic,
                                                     Milliseconds timeout);

// Until the topic is there with a leader for every partition: one that was just made takes a
// moment, and the brokers of a cluster learn of it one after the other.
[[nodiscard]] Result<std::uint32_t> await_partitions(rd_kafka_s* handle, rd_kafka_topic_s* topic,
                                                     Milliseconds timeout);

}  // namespace coffer::log
