// All that the replicated log has around it: the brokers, the node's store, the monotonic clock and
// the rules of ownership. The product has one kind, kafka_environment(); the cluster simulation
// puts its own brokers and clocks here and runs the same log and replicas on them. Threads: now()
// and rules() from any; the rest as KafkaReplica.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "events/log/kafka/kafka_options.h"
#include "events/log/kafka/kafka_producer.h"
#include "events/log/kafka/kafka_reader.h"
#include "events/log/kafka/ownership_rules.h"
#include "events/log/state_store.h"

namespace coffer::log {

class KafkaEnvironment {
 public:
  using Time = std::chrono::steady_clock::time_point;

  virtual ~KafkaEnvironment() = default;
  [[nodiscard]] virtual Time now() = 0;
  virtual void sleep_until(Time time) = 0;
  [[nodiscard]] virtual const OwnershipRules& rules() const { return OwnershipRules::standard(); }
  // Errors: as ensure_topics.
  [[nodiscard]] virtual Result<void> check_topics() = 0;
  // Errors: as of the store; unavailable, corrupt.
  [[nodiscard]] virtual Result<std::shared_ptr<StateStore>> open_store() = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<KafkaProducer>> make_producer(
      std::span<const std::string> topics) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<KafkaReader>> make_reader() = 0;
};

// The brokers and the folder of the options, and the machine's clock.
[[nodiscard]] std::shared_ptr<KafkaEnvironment> kafka_environment(const KafkaLogOptions& options);

}  // namespace coffer::log
