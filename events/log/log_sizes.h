// How much a log holds on the disk of this machine, for the operator's eyes only.
#pragma once

#include <cstdint>

namespace coffer::log {

// As far as it has been written out of memory.
struct LogSizes {
  std::uint64_t events_bytes = 0;
  std::uint64_t access_bytes = 0;
  std::uint64_t state_bytes = 0;  // all the rest
};

// Of an EventLog that can tell. Threads: any.
class SizedLog {
 public:
  virtual ~SizedLog() = default;
  [[nodiscard]] virtual LogSizes sizes() const = 0;
};

}  // namespace coffer::log
