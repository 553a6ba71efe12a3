// Sends many messages to one partition of a topic that nobody else may write to: keeps a bounded
// number under way and checks that each was acknowledged at the offset behind the one before.
// Threads: one caller at a time.
#pragma once

#include <deque>

#include "events/log/kafka/kafka_producer.h"

namespace coffer::log {

class TopicWriter {
 public:
  // `producer` outlives the writer. The topic's partition 0 must be empty.
  TopicWriter(KafkaProducer& producer, std::string topic);

  // Queues a copy; waits for older ones when too much is under way. Errors: unavailable,
  // unknown_outcome, too_large, already_exists (another record is in the topic).
  [[nodiscard]] Result<void> send(const KafkaMessage& message);
  // Until everything that was sent is acknowledged.
  [[nodiscard]] Result<void> drain() { return await(0); }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

 private:
  Result<void> await(std::size_t left);

  KafkaProducer& producer_;
  std::string topic_;
  struct Sent {
    KafkaProducer::Ticket ticket = 0;
    std::size_t bytes = 0;
  };
  std::deque<Sent> under_way_;
  std::size_t bytes_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t next_ = 0;  // offset of the next acknowledgement
};

}  // namespace coffer::log
