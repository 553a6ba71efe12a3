// An idempotent producer: messages in, offsets of acknowledged ones out. One instance is good until
// its first failure that leaves an outcome open; then it is to be destroyed and another made.
// Threads: one caller at a time.
#pragma once

#include <map>
#include <span>
#include <unordered_map>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/log/kafka/kafka_client.h"

struct rd_kafka_message_s;

namespace coffer::log {

using KafkaOffset = std::int64_t;
// Acknowledged, but the broker does not say where: a retry met what its own first try had written.
inline constexpr KafkaOffset kOffsetUnknown = -1;

struct KafkaMessage {
  BytesView key;                   // empty: none
  std::optional<BytesView> value;  // absent: a tombstone
};

class KafkaProducer {
 public:
  using Ticket = std::uint64_t;

  // Connects and fetches the metadata of `topics`, which must exist.
  [[nodiscard]] static Result<std::unique_ptr<KafkaProducer>> create(
      const KafkaClientOptions& options, std::span<const std::string> topics);

  // Queues copies of the messages, in order; a ticket for each. They are handed over together, so
  // that they share requests. Errors: too_large, nothing was queued; unavailable, some may have
  // been: the instance is no good any more.
  [[nodiscard]] Result<std::vector<Ticket>> send(const std::string& topic, PartitionId partition,
                                                 std::span<const KafkaMessage> messages);
  // Waits until each is decided, within the delivery timeout; the offsets in the order of the
  // tickets. Error: unknown_outcome, whichever failed: it may be in the log all the same.
  [[nodiscard]] Result<std::vector<KafkaOffset>> await(std::span<const Ticket> tickets);

 private:
  struct Delivery {
    KafkaOffset offset = -1;
    std::optional<Error> error;
  };

  KafkaProducer(const KafkaClientOptions& options, KafkaHandle handle);
  Result<void> queue_all(rd_kafka_topic_s* topic, PartitionId partition,
                         std::span<rd_kafka_message_s> messages);
  void serve(Milliseconds timeout);

  KafkaClientOptions options_;
  KafkaHandle handle_;  // outlives what follows
  std::map<std::string, KafkaTopic> topics_;
  KafkaQueue queue_;
  Ticket last_ticket_ = 0;
  std::unordered_map<Ticket, Delivery> deliveries_;
  std::string trouble_;  // the library's last word on what is wrong; empty: nothing
};

}  // namespace coffer::log
