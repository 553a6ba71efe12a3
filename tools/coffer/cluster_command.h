// `coffer cluster`: the nodes of a cluster, and who of them is the active one.
#pragma once

#include "tools/coffer/api_client.h"
#include "tools/coffer/output.h"

namespace coffer::cli {

// Exit::attention: no node is active. Errors: a single node has no cluster.
[[nodiscard]] Result<Exit> show_cluster(ApiClient& client, bool json);
// Exit::attention: a partition has no owner.
[[nodiscard]] Result<Exit> show_partitions(ApiClient& client, bool json);

// What is done to one node goes to that node itself: to the address that sys/ha-status has for it,
// with the same token and CA. `node` empty: the one that the connection leads to.
[[nodiscard]] Result<Exit> drain_node(ApiClient& client, const std::string& node);
[[nodiscard]] Result<Exit> undrain_node(ApiClient& client, const std::string& node);
// The brokers' group protocol cannot be told whom to choose. So all other nodes stand back for a
// minute, the active one last, and when `node` has taken over they are candidates again.
// Errors: not_found (no such partition or node), invalid_argument (the node cannot take over),
// unavailable (it has not within 30 s).
[[nodiscard]] Result<Exit> move_partition(ApiClient& client, std::uint64_t partition,
                                          const std::string& node);

}  // namespace coffer::cli
