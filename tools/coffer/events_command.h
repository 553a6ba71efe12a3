// `coffer events`: the log of one namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/coffer/api_client.h"
#include "tools/coffer/event_source.h"
#include "tools/coffer/output.h"

namespace coffer::cli {

struct TailOptions {
  std::optional<std::uint64_t> from;
  std::optional<std::uint64_t> limit;
  std::string stream;  // empty: all; checked by check_stream
  bool follow = false;
  double interval_s = 1;
};

struct ReplayOptions {
  std::string stream;  // empty: the namespace itself
  std::optional<std::uint64_t> at;
};

[[nodiscard]] Result<Exit> tail_events(ApiClient& client, const TailOptions& options, bool json);
[[nodiscard]] Result<Exit> replay_events(ApiClient& client, const ReplayOptions& options,
                                         bool json);
[[nodiscard]] Result<Exit> verify_events(ApiClient& client, bool json);

}  // namespace coffer::cli
