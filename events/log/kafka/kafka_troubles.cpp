#include "events/log/kafka/kafka_troubles.h"

#include <librdkafka/rdkafka.h>

#include <atomic>

namespace coffer::log {
namespace {

// One for the process: the library's clients come and go with each life of a node.
struct Counts {
  std::atomic<std::uint64_t> connections_lost{0};
  std::atomic<std::uint64_t> all_brokers_down{0};
  std::atomic<std::uint64_t> others{0};
};
Counts counts;

}  // namespace

void count_kafka_trouble(int code) noexcept {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
      counts.connections_lost.fetch_add(1, std::memory_order_relaxed);
      return;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      counts.all_brokers_down.fetch_add(1, std::memory_order_relaxed);
      return;
    default:
      counts.others.fetch_add(1, std::memory_order_relaxed);
  }
}

KafkaTroubles kafka_troubles() noexcept {
  return {counts.connections_lost.load(std::memory_order_relaxed),
          counts.all_brokers_down.load(std::memory_order_relaxed),
          counts.others.load(std::memory_order_relaxed)};
}

}  // namespace coffer::log
