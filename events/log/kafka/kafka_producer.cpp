#include "events/log/kafka/kafka_producer.h"

#include <map>
#include <unordered_map>

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace coffer::log {
namespace {

using Clock = std::chrono::steady_clock;

struct EventDeleter {
  void operator()(rd_kafka_event_t* event) const noexcept { rd_kafka_event_destroy(event); }
};
using Event = std::unique_ptr<rd_kafka_event_t, EventDeleter>;

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

  Result<Ticket> send(const std::string& topic, PartitionId partition,
                      const KafkaMessage& message) override;
  Result<std::vector<KafkaOffset>> await(std::span<const Ticket> tickets) override;

 private:
  struct Delivery {
    KafkaOffset offset = -1;
    std::optional<Error> error;
  };

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

Result<KafkaProducer::Ticket> LibraryProducer::send(const std::string& topic, PartitionId partition,
                                                    const KafkaMessage& message) {
  const auto found = topics_.find(topic);
  COFFER_CHECK(found != topics_.end());
  const auto value = message.value.value_or(BytesView{});
  const auto deadline = Clock::now() + options_.delivery_timeout;
  const auto ticket = last_ticket_ + 1;
  while (rd_kafka_produce(found->second.get(), static_cast<std::int32_t>(partition),
                          RD_KAFKA_MSG_F_COPY, message.value ? data_of(value) : nullptr,
                          value.size(), message.key.empty() ? nullptr : message.key.data(),
                          message.key.size(), to_opaque(ticket)) != 0) {
    const auto error = rd_kafka_last_error();
    // The library's queue is bounded: it empties as deliveries are served.
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL || Clock::now() >= deadline)
      return kafka_error(error, "cannot send to Kafka");
    serve(Milliseconds(10));
  }
  last_ticket_ = ticket;
  return ticket;
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
