// A node without a store takes a copy of another node's, rather than read the topics from their
// beginning. Which peer: the standby that is furthest, then the active node; when none can give
// one, the topics are read, and the log says so. Threads: one caller, the node's own.
#pragma once

#include "events/log/kafka/snapshot_install.h"
#include "net/snapshot/snapshot_client.h"

namespace coffer::server {

struct BootstrapOptions {
  log::InstallOptions install;
  std::vector<net::PeerAddress> peers;  // all but this node
  // A shorter topic "events" is read from its beginning.
  std::uint64_t events_min = 0;
  std::chrono::milliseconds peers_wait{10'000};  // for one that is warm
  std::chrono::milliseconds busy_wait{600'000};  // while all that could are giving to others
  // What a peer said of itself, also about who is active.
  std::function<void(const net::PeerStatus&)> on_status;
};

// The peer that gave the copy that is installed now; empty: there is no store, read the topics.
// What goes wrong is logged here.
[[nodiscard]] std::string bootstrap_store(const BootstrapOptions& options, net::PeerClient& client,
                                          const log::GoOn& go_on);

}  // namespace coffer::server
