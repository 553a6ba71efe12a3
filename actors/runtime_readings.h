// One reading of what a runtime holds in memory and how it stands. Plain values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "events/base/ids.h"
#include "events/log/log_sizes.h"

namespace coffer::actors {

struct CacheReading {
  std::string_view name;  // "data_keys", "secrets", "tokens"
  std::uint64_t entries = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t evictions = 0;  // made room for others; not those that expired or were removed
};

struct ActorReading {
  std::string_view kind;  // "log", "hsm", "reader", "shredder", "partition", "system"
  std::uint64_t mailbox = 0;
  std::uint64_t processed = 0;
  std::uint64_t busy_ns = 0;
};

struct RuntimeReadings {
  bool initialized = false;
  bool sealed = true;
  std::uint64_t requests_admitted = 0;  // and not let go yet
  std::uint64_t namespaces = 0;         // known while unsealed, the root included
  std::uint64_t tenant_actors = 0;
  std::uint64_t secret_actors = 0;
  std::uint64_t rotations = 0;  // namespaces whose key is being rotated
  LogPosition events_end = 0;
  LogPosition access_end = 0;
  std::optional<log::LogSizes> sizes;  // of a log that can tell
  std::array<CacheReading, 3> caches;
  std::array<ActorReading, 6> actors;  // those that there is one of
};

}  // namespace coffer::actors
