// An idempotent producer: messages in, offsets of acknowledged ones out. One instance is good until
// its first failure that leaves an outcome open; then it is to be destroyed and another made.
// An interface, because the cluster simulation has brokers of its own; create() makes the
// library's. Threads: one caller at a time.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/log/kafka/kafka_client.h"

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

  KafkaProducer() = default;
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;
  virtual ~KafkaProducer() = default;

  // Connects and fetches the metadata of `topics`, which must exist.
  [[nodiscard]] static Result<std::unique_ptr<KafkaProducer>> create(
      const KafkaClientOptions& options, std::span<const std::string> topics);

  // Queues a copy of the message. Errors: too_large, unavailable; then nothing was queued.
  [[nodiscard]] virtual Result<Ticket> send(const std::string& topic, PartitionId partition,
                                            const KafkaMessage& message) = 0;
  // Waits until each is decided, within the delivery timeout; the offsets in the order of the
  // tickets. Error: unknown_outcome, whichever failed: it may be in the log all the same.
  [[nodiscard]] virtual Result<std::vector<KafkaOffset>> await(std::span<const Ticket> tickets) = 0;
};

}  // namespace coffer::log
