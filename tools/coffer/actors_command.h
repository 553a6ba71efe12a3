// `coffer actors`: what lives in the server. The list is the server's, not a namespace's.
#pragma once

#include <cstdint>

#include "tools/coffer/api_client.h"
#include "tools/coffer/output.h"

namespace coffer::cli {

struct TopOptions {
  double interval_s = 2;
  std::uint64_t count = 0;  // 0: until stopped
  std::uint64_t rows = 20;  // 0: all
};

[[nodiscard]] Result<Exit> show_actor_tree(ApiClient& client, bool json);
[[nodiscard]] Result<Exit> show_busiest_actors(ApiClient& client, const TopOptions& options,
                                               bool json);
[[nodiscard]] Result<Exit> show_actor(ApiClient& client, std::uint64_t id, bool json);

}  // namespace coffer::cli
