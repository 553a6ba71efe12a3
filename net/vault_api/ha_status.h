// What a node of a cluster knows of the cluster.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/ids.h"
#include "events/base/time.h"

namespace coffer::net {

enum class NodeState : std::uint8_t { unknown, active, standby, drained, sealed };

struct HaNode {
  std::string id;
  std::string api_address;      // URL of its clients
  std::string cluster_address;  // URL of its peers
  bool active = false;
  // The rest is known to the active node alone; none: it has not heard of that node yet.
  std::optional<Timestamp> last_echo;  // when it last did
  std::optional<LogPosition> applied;  // how far that node's store was then
  NodeState state = NodeState::unknown;
};

struct HaStatus {
  bool is_self = false;            // this node is the active one
  std::string leader_api_address;  // empty: nobody is active as far as this node knows
  std::string leader_cluster_address;
  Timestamp active_time;       // since when it is; only if is_self
  std::uint64_t epoch = 0;     // of its claim; only if is_self
  LogPosition events_end = 0;  // last position of the log; only if is_self
  std::vector<HaNode> nodes;
};

[[nodiscard]] std::string_view to_text(NodeState state) noexcept;

}  // namespace coffer::net
