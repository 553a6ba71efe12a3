// What the active node tells of the cluster (sys/ha-status, sys/cluster/partitions), checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/coffer/api_client.h"

namespace coffer::cli {

struct ClusterNode {
  std::string name;
  std::string api_address;
  std::string cluster_address;
  bool active = false;
  std::string state;                     // active, standby, drained, sealed or unknown
  std::string last_echo;                 // empty: the active node has not heard of it
  std::optional<std::uint64_t> applied;  // position in the log
  std::optional<std::uint64_t> lag;      // records
};

struct ClusterPartition {
  std::uint64_t number = 0;
  std::string owner;  // empty: none
  std::uint64_t epoch = 0;
  std::uint64_t events_end = 0;
  std::vector<ClusterNode> nodes;  // without addresses
};

// Errors: not_found (a single node has no cluster), those of the server.
[[nodiscard]] Result<std::vector<ClusterNode>> read_cluster_nodes(ApiClient& client);
[[nodiscard]] Result<std::vector<ClusterPartition>> read_cluster_partitions(ApiClient& client);

}  // namespace coffer::cli
