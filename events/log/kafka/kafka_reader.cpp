#include "events/log/kafka/kafka_reader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <thread>

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include "events/log/kafka/kafka_troubles.h"

namespace coffer::log {
namespace {

constexpr std::size_t kReadMax = 500;

struct MessageDeleter {
  void operator()(rd_kafka_message_t* message) const noexcept { rd_kafka_message_destroy(message); }
};
struct PartitionListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const noexcept {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using Message = std::unique_ptr<rd_kafka_message_t, MessageDeleter>;

Bytes copy(const void* data, std::size_t size) {
  const auto* begin = static_cast<const std::uint8_t*>(data);
  return size == 0 ? Bytes{} : Bytes(begin, begin + size);
}

FetchedMessage to_fetched(const rd_kafka_message_t& message) {
  FetchedMessage out;
  out.offset = static_cast<std::uint64_t>(message.offset);
  out.key = copy(message.key, message.key_len);
  if (message.payload != nullptr) out.value = copy(message.payload, message.len);
  return out;
}

// The library's own messages; what matters of them comes as an error of a read too.
void drain(rd_kafka_t* handle) {
  const KafkaQueue queue(rd_kafka_queue_get_main(handle));
  while (rd_kafka_event_t* event = rd_kafka_queue_poll(queue.get(), 0))
    rd_kafka_event_destroy(event);
}

struct OffsetAnswer {
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::int64_t offset = -1;
};

// Not query_watermark_offsets: in version 2.0.2 it waits for a dead broker without end.
OffsetAnswer ask_offset(rd_kafka_t* handle, const std::string& topic, PartitionId partition,
                        std::int64_t which, Milliseconds timeout) {
  const std::unique_ptr<rd_kafka_topic_partition_list_t, PartitionListDeleter> list(
      rd_kafka_topic_partition_list_new(1));
  auto* asked = rd_kafka_topic_partition_list_add(list.get(), topic.c_str(),
                                                  static_cast<std::int32_t>(partition));
  asked->offset = which;
  const auto error =
      rd_kafka_offsets_for_times(handle, list.get(), static_cast<int>(timeout.count()));
  return {error != RD_KAFKA_RESP_ERR_NO_ERROR ? error : asked->err, asked->offset};
}

Error read_error(const rd_kafka_message_t& message, PartitionId partition) {
  count_kafka_trouble(message.err);
  const auto where = fmt::format("partition {} of {}", partition, rd_kafka_topic_name(message.rkt));
  if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
      message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
    return fail(ErrorCode::corrupt, where + " does not hold the offset where reading has to go on");
  return kafka_error(message.err, "cannot read " + where);
}

class LibraryStream final : public KafkaStream {
 public:
  LibraryStream(KafkaTopic topic, KafkaQueue queue, PartitionId partition)
      : topic_(std::move(topic)), queue_(std::move(queue)), partition_(partition) {}
  ~LibraryStream() override;
  Result<Fetched> read(std::size_t limit, Milliseconds timeout) override;

 private:
  KafkaTopic topic_;
  KafkaQueue queue_;
  PartitionId partition_;
};

class LibraryReader final : public KafkaReader {
 public:
  LibraryReader(const KafkaClientOptions& options, KafkaHandle fetching, KafkaHandle asking,
                int wake_fd);
  ~LibraryReader() override;
  Result<Watermarks> watermarks(const std::string& topic, PartitionId partition) override;
  Result<std::unique_ptr<KafkaStream>> open(const std::string& topic, PartitionId partition,
                                            std::uint64_t offset) override;
  void wait(Milliseconds timeout) override;

 private:
  Result<std::uint64_t> list_offset(const std::string& topic, PartitionId partition,
                                    std::int64_t which);

  KafkaClientOptions options_;
  KafkaHandle fetching_;
  // A broker answers in order: a question would wait behind a fetch that waits for messages.
  KafkaHandle asking_;
  int wake_fd_;  // an eventfd that streams write to when messages arrive
};

LibraryStream::~LibraryStream() {
  rd_kafka_queue_io_event_enable(queue_.get(), -1, nullptr, 0);
  rd_kafka_consume_stop(topic_.get(), static_cast<std::int32_t>(partition_));
}

Result<Fetched> LibraryStream::read(std::size_t limit, Milliseconds timeout) {
  Fetched out;
  std::array<rd_kafka_message_t*, kReadMax> raw{};
  const auto count =
      rd_kafka_consume_batch_queue(queue_.get(), 0, raw.data(), std::min(limit, raw.size()));
  std::size_t got = count > 0 ? static_cast<std::size_t>(count) : 0;
  // A batch call waits until the batch is full: wait for one message only, then take what is there.
  if (got == 0 && timeout.count() > 0) {
    raw[0] = rd_kafka_consume_queue(queue_.get(), static_cast<int>(timeout.count()));
    got = raw[0] != nullptr ? 1 : 0;
  }
  std::optional<Error> error;
  for (std::size_t i = 0; i < got; ++i) {
    const Message message(raw[i]);
    if (error) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      out.messages.push_back(to_fetched(*message));
      out.at_end = false;
      out.next = out.messages.back().offset + 1;
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      out.at_end = true;
      // Compaction and retention may have left nothing below the end.
      out.next = std::max(out.next, static_cast<std::uint64_t>(message->offset));
    } else {
      error = read_error(*message, partition_);
    }
  }
  // What came before the error is given out first; the library reports a lasting one again.
  if (error && (out.messages.empty() || error->code == ErrorCode::corrupt)) return *error;
  return out;
}

LibraryReader::LibraryReader(const KafkaClientOptions& options, KafkaHandle fetching,
                             KafkaHandle asking, int wake_fd)
    : options_(options),
      fetching_(std::move(fetching)),
      asking_(std::move(asking)),
      wake_fd_(wake_fd) {}

LibraryReader::~LibraryReader() {
  fetching_.reset();  // no thread of the library writes to the descriptor after this
  close(wake_fd_);
}

Result<std::uint64_t> LibraryReader::list_offset(const std::string& topic, PartitionId partition,
                                                 std::int64_t which) {
  const auto deadline = std::chrono::steady_clock::now() + options_.request_timeout;
  while (true) {
    const auto [error, offset] =
        ask_offset(asking_.get(), topic, partition, which, options_.request_timeout);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && offset >= 0)
      return static_cast<std::uint64_t>(offset);
    // A broker that has just started or changed its role says for a while that it is not asked.
    if (std::chrono::steady_clock::now() >= deadline)
      return kafka_error(
          error, fmt::format("cannot find the ends of partition {} of {}", partition, topic));
    // The library would ask the broker again that was the leader once: it learns the present one.
    const KafkaTopic handle(rd_kafka_topic_new(asking_.get(), topic.c_str(), nullptr));
    ignore_result(fetch_partitions(asking_.get(), handle.get(), options_.request_timeout));
    std::this_thread::sleep_for(Milliseconds(20));
  }
}

Result<Watermarks> LibraryReader::watermarks(const std::string& topic, PartitionId partition) {
  constexpr std::int64_t kEarliest = -2;  // the protocol's numbers for ListOffsets
  constexpr std::int64_t kLatest = -1;
  Watermarks out;
  COFFER_ASSIGN(out.first, list_offset(topic, partition, kEarliest));
  COFFER_ASSIGN(out.end, list_offset(topic, partition, kLatest));
  return out;
}

Result<std::unique_ptr<KafkaStream>> LibraryReader::open(const std::string& topic,
                                                         PartitionId partition,
                                                         std::uint64_t offset) {
  KafkaTopic handle(rd_kafka_topic_new(fetching_.get(), topic.c_str(), nullptr));
  if (!handle) return kafka_error(rd_kafka_last_error(), "cannot open the topic " + topic);
  KafkaQueue queue(rd_kafka_queue_new(fetching_.get()));
  static constexpr std::uint64_t kOne = 1;
  rd_kafka_queue_io_event_enable(queue.get(), wake_fd_, &kOne, sizeof kOne);
  if (rd_kafka_consume_start_queue(handle.get(), static_cast<std::int32_t>(partition),
                                   static_cast<std::int64_t>(offset), queue.get()) != 0)
    return kafka_error(rd_kafka_last_error(), "cannot read the topic " + topic);
  return std::unique_ptr<KafkaStream>(
      std::make_unique<LibraryStream>(std::move(handle), std::move(queue), partition));
}

void LibraryReader::wait(Milliseconds timeout) {
  drain(fetching_.get());
  drain(asking_.get());
  pollfd wake{wake_fd_, POLLIN, 0};
  if (poll(&wake, 1, static_cast<int>(timeout.count())) <= 0) return;
  std::uint64_t count = 0;
  static_cast<void>(!::read(wake_fd_, &count, sizeof count));
}

}  // namespace

Result<std::unique_ptr<KafkaReader>> KafkaReader::create(const KafkaClientOptions& options) {
  COFFER_ASSIGN(auto fetching, make_kafka_handle(options, KafkaRole::consumer));
  COFFER_ASSIGN(auto asking, make_kafka_handle(options, KafkaRole::consumer));
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) return fail(ErrorCode::unavailable, "no descriptor left for the Kafka reader");
  return std::unique_ptr<KafkaReader>(
      std::make_unique<LibraryReader>(options, std::move(fetching), std::move(asking), wake_fd));
}

}  // namespace coffer::log
