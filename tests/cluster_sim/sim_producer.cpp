// The idempotent producer: each partition's messages in order, repeated until they are answered or
// their time is up. Repeats meet what the first try has stored.
#include <map>

#include "tests/cluster_sim/sim_network.h"

namespace coffer::sim {
namespace {

using log::KafkaOffset;

struct Pending {
  log::KafkaProducer::Ticket ticket = 0;
  BrokerRecord record;
  Nanos deadline = 0;
};

struct Pipe {
  BrokerPartition* partition = nullptr;
  std::uint64_t next_sequence = 0;
  std::deque<Pending> pending;
  Nanos last_arrival = 0;
  std::uint64_t next_offset = 0;  // as acknowledgements tell, for the broken producer
};

struct Delivery {
  KafkaOffset offset = log::kOffsetUnknown;
  bool failed = false;
};

// What the library's threads hold; they end with the producer.
struct Shared : std::enable_shared_from_this<Shared> {
  explicit Shared(SimNetwork& network_of)
      : network(network_of), process(network_of.process()), delivered(process) {}

  SimNetwork& network;
  Process& process;
  std::uint64_t id = 0;
  std::map<std::string, Pipe> pipes;
  std::unordered_map<log::KafkaProducer::Ticket, Delivery> deliveries;
  std::vector<std::pair<std::string, Pending>> held;  // by the broken producer
  Signal delivered;

  // A thread of the library runs when its process does.
  void later(Nanos when, std::function<void(Shared&)> action) {
    process.world().at(when, [self = weak_from_this(), action = std::move(action)] {
      const auto shared = self.lock();
      if (!shared || !shared->process.alive()) return;
      if (shared->process.stopped()) return shared->later(shared->process.stopped_until(), action);
      action(*shared);
    });
  }

  void enqueue(const std::string& topic, Pending pending) {
    auto& pipe = pipes[topic];
    if (pipe.partition == nullptr) pipe.partition = &network.broker().partition(topic);
    pending.record.sequence = pipe.next_sequence++;
    pending.record.producer = id;
    pipe.pending.push_back(pending);
    transmit(topic, pending);
    watch(topic, pending.ticket);
  }

  void transmit(const std::string& topic, const Pending& pending) {
    if (!network.link().to_brokers || network.loses()) return;
    auto& pipe = pipes[topic];
    auto& world = process.world();
    const auto arrival = std::max(pipe.last_arrival, world.now() + network.delay());
    pipe.last_arrival = arrival;
    world.at(arrival, [self = weak_from_this(), partition = pipe.partition, topic,
                       ticket = pending.ticket, record = pending.record] {
      partition->append(record, [self, topic, ticket](std::optional<std::uint64_t> offset) {
        if (const auto shared = self.lock()) shared->answer(topic, ticket, offset);
      });
    });
  }

  void answer(const std::string& topic, log::KafkaProducer::Ticket ticket,
              std::optional<std::uint64_t> offset) {
    if (!network.link().from_brokers || network.loses()) return;
    const auto known = offset ? static_cast<KafkaOffset>(*offset) : log::kOffsetUnknown;
    auto& world = process.world();
    const auto delay = world.chance(network.link().slow_answer_permille)
                           ? static_cast<Nanos>(world.below(
                                 static_cast<std::uint64_t>(network.options().slow_answer_max)))
                           : network.delay();
    later(world.now() + delay, [topic, ticket, known](Shared& shared) {
      shared.settle(topic, ticket, {known, false});
    });
  }

  void settle(const std::string& topic, log::KafkaProducer::Ticket ticket, Delivery delivery) {
    auto& pipe = pipes[topic];
    const auto found = std::find_if(pipe.pending.begin(), pipe.pending.end(),
                                    [&](const auto& other) { return other.ticket == ticket; });
    if (found == pipe.pending.end()) return;
    pipe.pending.erase(found);
    if (delivery.failed &&
        network.options().producer_fault == ProducerFault::success_on_unknown_outcome)
      delivery = {static_cast<KafkaOffset>(pipe.next_offset), false};
    if (delivery.offset >= 0) pipe.next_offset = static_cast<std::uint64_t>(delivery.offset) + 1;
    deliveries[ticket] = delivery;
    delivered.notify();
  }

  // Repeats, until the time is up.
  void watch(const std::string& topic, log::KafkaProducer::Ticket ticket) {
    const auto& options = network.options();
    later(process.world().now() + options.retry, [topic, ticket](Shared& shared) {
      auto& pipe = shared.pipes[topic];
      const auto found = std::find_if(pipe.pending.begin(), pipe.pending.end(),
                                      [&](const auto& other) { return other.ticket == ticket; });
      if (found == pipe.pending.end()) return;
      if (shared.process.world().now() >= found->deadline)
        return shared.settle(topic, ticket, {log::kOffsetUnknown, true});
      shared.transmit(topic, *found);
      shared.watch(topic, ticket);
    });
  }
};

class SimProducer final : public log::KafkaProducer {
 public:
  explicit SimProducer(SimNetwork& network) : shared_(std::make_shared<Shared>(network)) {
    shared_->id = network.broker().next_producer();
  }

  Result<Ticket> send(const std::string& topic, PartitionId,
                      const log::KafkaMessage& message) override {
    auto& process = shared_->process;
    process.point();
    Pending pending;
    pending.ticket = ++last_ticket_;
    pending.record.key.assign(message.key.begin(), message.key.end());
    if (message.value) pending.record.value.emplace(message.value->begin(), message.value->end());
    const auto& options = shared_->network.options();
    pending.deadline = process.world().now() + options.delivery_timeout;
    const auto ticket = pending.ticket;
    if (options.producer_fault == ProducerFault::blobs_last && !pending.record.key.empty() &&
        message.value) {
      // The blob goes out behind the event that needs it, and nobody waits for it.
      shared_->deliveries[ticket] = {0, false};
      shared_->held.emplace_back(topic, std::move(pending));
      return ticket;
    }
    const bool event = message.key.empty();
    shared_->enqueue(topic, std::move(pending));
    if (event) release_held();
    stop_between_sending_and_acknowledgement();
    process.point();
    return ticket;
  }

  Result<std::vector<KafkaOffset>> await(std::span<const Ticket> tickets) override {
    auto& process = shared_->process;
    const auto deadline =
        process.world().now() + shared_->network.options().delivery_timeout + kSecond;
    std::vector<KafkaOffset> offsets;
    bool failed = false;
    for (const auto ticket : tickets) {
      while (!shared_->deliveries.contains(ticket) && process.world().now() < deadline)
        process.wait(&shared_->delivered, deadline);
      const auto found = shared_->deliveries.find(ticket);
      failed |= found == shared_->deliveries.end() || found->second.failed;
      offsets.push_back(found == shared_->deliveries.end() ? log::kOffsetUnknown
                                                           : found->second.offset);
      shared_->deliveries.erase(ticket);
    }
    process.point();
    if (failed) return fail(ErrorCode::unknown_outcome, "no acknowledgement in time");
    return offsets;
  }

 private:
  void stop_between_sending_and_acknowledgement() {
    auto& process = shared_->process;
    auto& world = process.world();
    if (!world.chance(shared_->network.link().stop_permille)) return;
    world.note(process.name() + " stands still behind a record");
    process.stop_for(kSecond + static_cast<Nanos>(world.below(3 * kSecond)));
    process.sleep(0);
  }
  void release_held() {
    auto held = std::exchange(shared_->held, {});
    shared_->later(process_later(), [held = std::move(held)](Shared& shared) {
      for (auto pending : held) shared.enqueue(pending.first, std::move(pending.second));
    });
  }
  Nanos process_later() {
    auto& world = shared_->process.world();
    return world.now() + world.delay(20 * kMillisecond);
  }

  std::shared_ptr<Shared> shared_;
  Ticket last_ticket_ = 0;
};

}  // namespace

std::unique_ptr<log::KafkaProducer> SimNetwork::make_producer() {
  return std::make_unique<SimProducer>(*this);
}

}  // namespace coffer::sim
