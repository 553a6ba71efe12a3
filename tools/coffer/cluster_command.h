// `coffer cluster status`: the nodes of a cluster and which one is active, as one of them sees it.
#pragma once

#include "tools/coffer/api_client.h"
#include "tools/coffer/output.h"

namespace coffer::cli {

// Exit::attention: no node is active. Errors: a single node has no cluster.
[[nodiscard]] Result<Exit> show_cluster(ApiClient& client, bool json);

}  // namespace coffer::cli
