// A node's connections to the brokers, and the implementations of the log's producer, reader and
// group member on them. Requests and answers take their time and get lost each by itself; whatever
// is under way when its sender dies still arrives.
#pragma once

#include <deque>
#include <set>
#include <unordered_map>

#include "events/log/kafka/kafka_producer.h"
#include "events/log/kafka/kafka_reader.h"
#include "tests/cluster_sim/sim_broker.h"

namespace coffer::sim {

// One direction each; both work in good times.
struct Link {
  bool to_brokers = true;
  bool from_brokers = true;
  unsigned loss_permille = 0;
  unsigned slow_permille = 0;         // of the messages that take up to seconds
  unsigned slow_answer_permille = 0;  // of the acknowledgements
  unsigned stop_permille = 0;         // of the sent records, behind which the process stands still
  bool asks_old_leader = false;
};

// How a producer is broken on purpose (mutants.h).
enum class ProducerFault : std::uint8_t { none, success_on_unknown_outcome, blobs_last };

struct NetworkOptions {
  Nanos delay_max = 3 * kMillisecond;
  Nanos slow_max = 3 * kSecond;
  Nanos slow_answer_max = 1'900 * kMillisecond;
  Nanos retry = 250 * kMillisecond;
  Nanos delivery_timeout = 2 * kSecond;
  Nanos request_timeout = 2 * kSecond;
  ProducerFault producer_fault = ProducerFault::none;
};

// Of one process. Outlives what is made from it.
class SimNetwork {
 public:
  SimNetwork(Process& process, SimBroker& broker, Link& link, const NetworkOptions& options)
      : process_(process), broker_(broker), link_(link), options_(options) {}

  std::unique_ptr<log::KafkaProducer> make_producer();
  std::unique_ptr<log::KafkaReader> make_reader();

  [[nodiscard]] Process& process() const noexcept { return process_; }
  [[nodiscard]] World& world() const noexcept { return process_.world(); }
  [[nodiscard]] SimBroker& broker() const noexcept { return broker_; }
  [[nodiscard]] Link& link() const noexcept { return link_; }
  [[nodiscard]] const NetworkOptions& options() const noexcept { return options_; }
  [[nodiscard]] bool loses() { return world().chance(link_.loss_permille); }
  [[nodiscard]] Nanos delay() {
    return world().delay(world().chance(link_.slow_permille) ? options_.slow_max
                                                             : options_.delay_max);
  }

 private:
  Process& process_;
  SimBroker& broker_;
  Link& link_;
  NetworkOptions options_;
};

}  // namespace coffer::sim
