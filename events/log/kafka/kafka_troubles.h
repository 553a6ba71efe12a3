// What the Kafka library has reported on its queues since the process began, all its clients
// together: for the operator's eyes only. A connection that is lost counts, also when the library
// has it back at once. Threads: any.
#pragma once

#include <cstdint>

namespace coffer::log {

struct KafkaTroubles {
  std::uint64_t connections_lost = 0;
  std::uint64_t all_brokers_down = 0;
  std::uint64_t others = 0;
};
[[nodiscard]] KafkaTroubles kafka_troubles() noexcept;
// For whoever polls a queue. `code` is an rd_kafka_resp_err_t.
void count_kafka_trouble(int code) noexcept;

}  // namespace coffer::log
