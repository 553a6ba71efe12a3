// Reading partitions from an offset on, without consumer groups: who reads what is decided above,
// and positions are kept in the local store. A reader holds one connection set; each stream of it
// is one partition of one topic, fetched ahead in the background up to a bound.
// Threads: one caller at a time for a reader and all its streams. Streams end before their reader.
#pragma once

#include <span>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/log/kafka/kafka_client.h"

namespace coffer::log {

struct FetchedMessage {
  std::uint64_t offset = 0;
  Bytes key;
  std::optional<Bytes> value;  // absent: a tombstone
};

struct Fetched {
  std::vector<FetchedMessage> messages;  // ascending offsets
  bool at_end = false;                   // the partition had nothing behind them when it was asked
  std::uint64_t next = 0;                // offset to go on from; 0: as before
};

// First retained offset and the one behind the last message.
struct Watermarks {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};

class KafkaStream {
 public:
  ~KafkaStream();
  KafkaStream(const KafkaStream&) = delete;
  KafkaStream& operator=(const KafkaStream&) = delete;

  // Waits for the first message or the end; returns what is there, at most `limit`, or nothing.
  // Errors: corrupt (the offset asked for is not in the partition any more), unavailable (a later
  // call goes on where this one stopped).
  [[nodiscard]] Result<Fetched> read(std::size_t limit, Milliseconds timeout);

 private:
  friend class KafkaReader;
  KafkaStream(KafkaTopic topic, KafkaQueue queue, PartitionId partition)
      : topic_(std::move(topic)), queue_(std::move(queue)), partition_(partition) {}

  KafkaTopic topic_;
  KafkaQueue queue_;
  PartitionId partition_;
};

class KafkaReader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<KafkaReader>> create(
      const KafkaClientOptions& options);
  ~KafkaReader();

  // A message at `offset` or behind it comes first. Not on a request's path: it asks the broker.
  [[nodiscard]] Result<Watermarks> watermarks(const std::string& topic, PartitionId partition);
  [[nodiscard]] Result<std::unique_ptr<KafkaStream>> open(const std::string& topic,
                                                          PartitionId partition,
                                                          std::uint64_t offset);
  // Until some stream has something to read, or the time is up. Also takes the library's own
  // messages off their queue.
  void wait(Milliseconds timeout);

 private:
  Result<std::uint64_t> list_offset(const std::string& topic, PartitionId partition,
                                    std::int64_t which);
  KafkaReader(const KafkaClientOptions& options, KafkaHandle fetching, KafkaHandle asking,
              int wake_fd);

  KafkaClientOptions options_;
  KafkaHandle fetching_;
  // A broker answers in order: a question would wait behind a fetch that waits for messages.
  KafkaHandle asking_;
  int wake_fd_;  // an eventfd that streams write to when messages arrive
};

}  // namespace coffer::log
