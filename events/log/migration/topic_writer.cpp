#include "events/log/migration/topic_writer.h"

#include <fmt/format.h>

namespace coffer::log {
namespace {

constexpr std::size_t kMessagesMax = 8192;
constexpr std::size_t kBytesMax = 32u << 20;
constexpr PartitionId kPartition = 0;

}  // namespace

TopicWriter::TopicWriter(KafkaProducer& producer, std::string topic)
    : producer_(producer), topic_(std::move(topic)) {}

Result<void> TopicWriter::send(const KafkaMessage& message) {
  COFFER_ASSIGN(const auto tickets, producer_.send(topic_, kPartition, std::span(&message, 1)));
  const auto bytes = message.key.size() + (message.value ? message.value->size() : 0);
  under_way_.push_back({tickets.front(), bytes});
  bytes_ += bytes;
  ++sent_;
  if (under_way_.size() < kMessagesMax && bytes_ < kBytesMax) return {};
  return await(under_way_.size() / 2);
}

Result<void> TopicWriter::await(std::size_t left) {
  std::vector<KafkaProducer::Ticket> tickets;
  while (under_way_.size() > left) {
    tickets.push_back(under_way_.front().ticket);
    bytes_ -= under_way_.front().bytes;
    under_way_.pop_front();
  }
  COFFER_ASSIGN(const auto offsets, producer_.await(tickets));
  for (const auto offset : offsets) {
    // A broker that met a repeated message does not say where the first one is; what it says of
    // the next one shows it.
    if (offset != kOffsetUnknown && offset != static_cast<KafkaOffset>(next_))
      return fail(ErrorCode::already_exists,
                  fmt::format("somebody else writes to the topic {}: stop the nodes of the cluster "
                              "until the migration is over",
                              topic_));
    ++next_;
  }
  return {};
}

}  // namespace coffer::log
