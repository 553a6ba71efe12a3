// One node of a cluster: follows the replicated log with a warm store, forwards what it is asked to
// the active node, and becomes the active node when the owners' group gives it the partition.
//
//   following ── gained ──> taking over (claim, old lease, HSM login) ──> active
//       ^                                                                   │
//       └───── handed over: drained, released <── lost, asked to stop ──────┤
//       └───── dropped without a hand-over    <── the log has stopped ──────┘
//
// Before it follows for the first time without a store, it takes a copy of a peer's (bootstrap.h);
// it joins the owners' group when it is warm.
//
// Threads: one of its own does all of the above; requests come from the listeners' threads.
#pragma once

#include <atomic>
#include <set>
#include <thread>

#include "events/log/kafka/kafka_event_log.h"
#include "events/log/kafka/ownership_group.h"
#include "net/cluster/request_router.h"
#include "net/snapshot/snapshot_server.h"
#include "net/vault_api/ha_status.h"
#include "tools/cofferd/cluster_members.h"
#include "tools/cofferd/vault_service.h"

namespace coffer::server {

// What a node serves from while it is the active one.
struct ActiveVault {
  std::unique_ptr<log::KafkaEventLog> log;
  std::unique_ptr<VaultService> vault;
  ~ActiveVault() {
    vault.reset();
    log.reset();
  }
};

class ClusterNode {
 public:
  // Joins the cluster and starts the listener for peers; returns when the node follows. All
  // arguments outlive the node. Errors: invalid_argument (configuration, topics), unavailable.
  [[nodiscard]] static Result<std::unique_ptr<ClusterNode>> start(const Config& config,
                                                                  const TokenFiles& token,
                                                                  const Clock& clock,
                                                                  Random& random);
  ~ClusterNode();

  void on_client_request(std::shared_ptr<net::HttpRequest> request, net::Responder respond) {
    router_->on_client_request(std::move(request), std::move(respond));
  }
  // Gives up ownership in good order and leaves the group; goes on forwarding. At most
  // `drain_seconds` for requests under way.
  void hand_over(unsigned drain_seconds);
  // After hand_over() and when no more requests come.
  void stop();
  Result<void> reload_certificate();
  // How far this node's store was when it last asked, a second ago or so; only while it follows.
  [[nodiscard]] log::ReplicaProgress progress() const;

 private:
  ClusterNode(const Config& config, const TokenFiles& token, const Clock& clock, Random& random);
  Result<void> open();
  Result<void> start_peers();
  Result<void> load_kafka_options();
  void start_snapshots();
  void bootstrap();
  Result<void> open_replica();
  void note_progress();
  void note_warm(const log::ReplicaProgress& progress);
  void join_group();
  [[nodiscard]] net::PeerStatus peer_status() const;
  [[nodiscard]] net::HaStatus ha_status() const;

  void run();
  void follow();
  Result<void> take_over();
  void own();
  void step_down(bool release);
  void await_requests(std::chrono::milliseconds limit);
  void poll_group(std::chrono::milliseconds timeout);
  void note_owner();
  void pause(std::chrono::milliseconds length);

  const Config& config_;
  const TokenFiles& token_;
  const Clock& clock_;
  Random& random_;
  std::vector<ClusterMember> members_;
  ClusterMember self_;
  log::KafkaLogOptions log_options_;
  net::VaultApiOptions api_options_;  // set before the first request
  net::AddressBook book_;
  std::unique_ptr<net::PeerClient> peers_;
  std::unique_ptr<net::RequestRouter> router_;
  std::unique_ptr<net::SnapshotServer> snapshots_;
  std::unique_ptr<net::HttpServer> peer_listener_;

  // The node's thread only.
  std::unique_ptr<log::OwnershipGroup> group_;
  std::unique_ptr<log::KafkaReplica> replica_;  // null while active
  std::unique_ptr<ActiveVault> active_;
  net::LocalHandler serving_;  // requests of active_ that are under way hold it
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_progress_;
  std::chrono::steady_clock::time_point next_lag_line_;
  bool assigned_ = false;
  bool removed_ = false;  // the group took the partition away without waiting for us

  std::thread thread_;
  std::atomic<bool> handing_over_ = false;
  std::atomic<bool> handed_over_ = false;
  std::atomic<unsigned> drain_seconds_ = 3;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> initialized_ = false;
  std::atomic<bool> warm_ = false;  // has been at the end of the topics
  mutable std::mutex mutex_;        // guards what follows
  std::string owner_;
  Timestamp active_since_;
  log::ReplicaProgress progress_;  // as last asked; not while active
};

}  // namespace coffer::server
