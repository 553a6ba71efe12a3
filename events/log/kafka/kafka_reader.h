// Reading partitions from an offset on, without consumer groups: who reads what is decided above,
// and positions are kept in the local store. A reader holds one connection set; each stream of it
// is one partition of one topic, fetched ahead in the background up to a bound. Interfaces, as
// kafka_producer.h is.
// Threads: one caller at a time for a reader and all its streams. Streams end before their reader.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  KafkaStream() = default;
  KafkaStream(const KafkaStream&) = delete;
  KafkaStream& operator=(const KafkaStream&) = delete;
  virtual ~KafkaStream() = default;

  // Waits for the first message or the end; returns what is there, at most `limit`, or nothing.
  // Errors: corrupt (the offset asked for is not in the partition any more), unavailable (a later
  // call goes on where this one stopped).
  [[nodiscard]] virtual Result<Fetched> read(std::size_t limit, Milliseconds timeout) = 0;
};

class KafkaReader {
 public:
  KafkaReader() = default;
  KafkaReader(const KafkaReader&) = delete;
  KafkaReader& operator=(const KafkaReader&) = delete;
  virtual ~KafkaReader() = default;

  // The library's.
  [[nodiscard]] static Result<std::unique_ptr<KafkaReader>> create(
      const KafkaClientOptions& options);

  // Not on a request's path: it asks the broker.
  [[nodiscard]] virtual Result<Watermarks> watermarks(const std::string& topic,
                                                      PartitionId partition) = 0;
  // A message at `offset` or behind it comes first.
  [[nodiscard]] virtual Result<std::unique_ptr<KafkaStream>> open(const std::string& topic,
                                                                  PartitionId partition,
                                                                  std::uint64_t offset) = 0;
  // Until some stream has something to read, or the time is up. Also takes the library's own
  // messages off their queue.
  virtual void wait(Milliseconds timeout) = 0;
};

}  // namespace coffer::log
