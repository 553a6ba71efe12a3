// What a node of a cluster says of the cluster: answers of a standby, and the parts of health and
// leader answers that an owner's differ in. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "events/base/time.h"
#include "net/http/http_server.h"

namespace coffer::net {

struct HaNode {
  std::string id;
  std::string api_address;      // URL of its clients
  std::string cluster_address;  // URL of its peers
  bool active = false;
  std::optional<Timestamp> last_echo;  // when it was last heard of; none: not yet
};

struct HaStatus {
  bool is_self = false;            // this node is the active one
  std::string leader_api_address;  // empty: nobody is active as far as this node knows
  std::string leader_cluster_address;
  Timestamp active_time;  // since when it is; only if is_self
  std::vector<HaNode> nodes;
};

struct VaultApiOptions;

// What a standby answers by itself, which is sys/health and sys/leader; nothing for any other
// request. `initialized`: the replicated log holds a vault. Asks `options.ha`, which must be set,
// only for an answer that needs it: every request that is forwarded comes by here first.
[[nodiscard]] std::optional<HttpResponse> standby_answer(const HttpRequest& request,
                                                         bool initialized, Timestamp now,
                                                         const VaultApiOptions& options);

}  // namespace coffer::net
