#include "events/log/kafka/kafka_producer.h"

#include <map>
#include <unordered_map>

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include "events/log/kafka/kafka_troubles.h"

namespace coffer::log {
namespace {

using Clock = std::chrono::steady_clock;

struct EventDeleter {
  void operator()(rd_kafka_event_t* event) const noexcept { rd_kafka_event_destroy(event); }
};
using Event = std::unique_ptr<rd_kafka_event_t, EventDeleter>;

// What the library adds to key and value when it checks a message's size.
constexpr std::size_t kHeaderBytesMax = 512;

void* to_opaque(KafkaProducer::Ticket ticket) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(ticket));
}
KafkaProducer::Ticket to_ticket(const void* opaque) {
  return static_cast<KafkaProducer::Ticket>(reinterpret_cast<std::uintptr_t>(opaque));
}

void* data_of(BytesView bytes) {
  // The library copies; it takes no pointer to const.
  return const_cast<std::uint8_t*>(bytes.data());
}

class LibraryProducer final : public KafkaProducer {
 public:
  LibraryProducer(const KafkaClientOptions& options, KafkaHandle handle);
  Result<void> open_topics(std::span<const std::string> topics);

  Result<std::vector<Ticket>> send(const std::string& topic, PartitionId partition,
                                   std::span<const KafkaMessage> messages) override;
  Result<std::vector<KafkaOffset>> await(std::span<const Ticket> tickets) override;

 private:
  struct Delivery {
    KafkaOffset offset = -1;
    std::optional<Error> error;
  };

  Result<void> queue_all(rd_kafka_topic_s* topic, PartitionId partition,
                         std::span<rd_kafka_message_t> messages);
  void serve(Milliseconds timeout);

  KafkaClientOptions options_;
  KafkaHandle handle_;  // outlives what follows
  std::map<std::string, KafkaTopic> topics_;
  KafkaQueue queue_;
  Ticket last_ticket_ = 0;
  std::unordered_map<Ticket, Delivery> deliveries_;
  std::string trouble_;  // the library's last word on what is wrong; empty: nothing
};

LibraryProducer::LibraryProducer(const KafkaClientOptions& options, KafkaHandle handle)
    : options_(options),
      handle_(std::move(handle)),
      queue_(rd_kafka_queue_get_main(handle_.get())) {}

Result<void> LibraryProducer::open_topics(std::span<const std::string> topics) {
  for (const auto& name : topics) {
    KafkaTopic topic(rd_kafka_topic_new(handle_.get(), name.c_str(), nullptr));
    if (!topic) return kafka_error(rd_kafka_last_error(), "cannot open the topic " + name);
    COFFER_ASSIGN(const auto partitions,
                  await_partitions(handle_.get(), topic.get(), options_.request_timeout));
    if (partitions == 0)
      return fail(ErrorCode::unavailable, fmt::format("there is no topic {}", name));
    topics_.emplace(name, std::move(topic));
  }
  return {};
}

Result<std::vector<KafkaProducer::Ticket>> LibraryProducer::send(
    const std::string& topic, PartitionId partition, std::span<const KafkaMessage> messages) {
  const auto found = topics_.find(topic);
  COFFER_CHECK(found != topics_.end());
  std::vector<rd_kafka_message_t> queued(messages.size());
  std::vector<Ticket> tickets(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto value = messages[i].value.value_or(BytesView{});
    // Asked here, since the library would leave such a message out and queue the ones behind it.
    if (messages[i].key.size() + value.size() + kHeaderBytesMax > options_.message_bytes_max)
      return fail(ErrorCode::too_large,
                  fmt::format("a message of {} bytes is too large for Kafka", value.size()));
    queued[i].payload = messages[i].value ? data_of(value) : nullptr;
    queued[i].len = value.size();
    queued[i].key = messages[i].key.empty() ? nullptr : data_of(messages[i].key);
    queued[i].key_len = messages[i].key.size();
    tickets[i] = last_ticket_ + 1 + i;
    queued[i]._private = to_opaque(tickets[i]);
  }
  last_ticket_ += messages.size();
  COFFER_TRY(queue_all(found->second.get(), partition, queued));
  return tickets;
}

// The library's queue is bounded: it empties as deliveries are served.
Result<void> LibraryProducer::queue_all(rd_kafka_topic_s* topic, PartitionId partition,
                                        std::span<rd_kafka_message_t> messages) {
  const auto deadline = Clock::now() + options_.delivery_timeout;
  while (!messages.empty()) {
    // Whatever is refused here refuses all messages behind it too.
    const auto taken =
        rd_kafka_produce_batch(topic, static_cast<std::int32_t>(partition), RD_KAFKA_MSG_F_COPY,
                               messages.data(), static_cast<int>(messages.size()));
    messages = messages.subspan(static_cast<std::size_t>(std::max(taken, 0)));
    if (messages.empty()) break;
    const auto error = messages.front().err;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL || Clock::now() >= deadline)
      return kafka_error(error, "cannot send to Kafka");
    serve(Milliseconds(10));
  }
  return {};
}

void LibraryProducer::serve(Milliseconds timeout) {
  const Event event(rd_kafka_queue_poll(queue_.get(), static_cast<int>(timeout.count())));
  if (!event) return;
  switch (rd_kafka_event_type(event.get())) {
    case RD_KAFKA_EVENT_DR:
      while (const auto* message = rd_kafka_event_message_next(event.get())) {
        Delivery delivery;
        delivery.offset = std::max(message->offset, kOffsetUnknown);
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
          delivery.error = kafka_error(message->err, "Kafka did not acknowledge a write");
        deliveries_[to_ticket(message->_private)] = std::move(delivery);
      }
      break;
    case RD_KAFKA_EVENT_ERROR:
      count_kafka_trouble(rd_kafka_event_error(event.get()));
      trouble_ = rd_kafka_event_error_string(event.get());
      break;
    default:
      break;  // log lines of the library repeat what errors and deliveries say
  }
}

Result<std::vector<KafkaOffset>> LibraryProducer::await(std::span<const Ticket> tickets) {
  // The library itself decides every message by its delivery timeout; the rest is for the queue.
  const auto deadline = Clock::now() + options_.delivery_timeout + Milliseconds(1000);
  std::vector<KafkaOffset> offsets;
  offsets.reserve(tickets.size());
  std::optional<Error> first;
  for (const auto ticket : tickets) {
    while (!deliveries_.contains(ticket) && Clock::now() < deadline) serve(Milliseconds(100));
    const auto found = deliveries_.find(ticket);
    Delivery delivery;
    if (found == deliveries_.end()) {
      delivery.error = fail(ErrorCode::unavailable, "Kafka did not answer a write");
    } else {
      delivery = std::move(found->second);
      deliveries_.erase(found);
    }
    if (delivery.error && !first) first = std::move(delivery.error);
    offsets.push_back(delivery.offset);
  }
  if (!first) return offsets;
  return fail(ErrorCode::unknown_outcome,
              trouble_.empty() ? first->message : fmt::format("{} ({})", first->message, trouble_));
}

}  // namespace

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::create(const KafkaClientOptions& options,
                                                             std::span<const std::string> topics) {
  COFFER_ASSIGN(auto handle, make_kafka_handle(options, KafkaRole::producer));
  auto producer = std::make_unique<LibraryProducer>(options, std::move(handle));
  COFFER_TRY(producer->open_topics(topics));
  return std::unique_ptr<KafkaProducer>(std::move(producer));
}

}  // namespace coffer::log
