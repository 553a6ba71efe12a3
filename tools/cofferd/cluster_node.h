// One node of a cluster: follows the replicated log with a warm store, forwards what it is asked to
// the active node, and becomes the active node when the owners' group gives it the partition.
// That life is log::OwnerCycle's; this class is the vault, the router and the peers around it.
//
// A sealed node, and one that was told to stand back (node_control.h), leaves the group: it follows
// and is never the active one.
//
// Before it follows for the first time without a store, it takes a copy of a peer's (bootstrap.h);
// it joins the owners' group when it is warm.
//
// Threads: one of its own does all of the above; requests come from the listeners' threads.
#pragma once

#include <atomic>
#include <thread>

#include "events/log/kafka/owner_cycle.h"
#include "net/cluster/request_router.h"
#include "net/snapshot/snapshot_server.h"
#include "net/vault_api/ha_status.h"
#include "tools/cofferd/cluster_members.h"
#include "tools/cofferd/echo_board.h"
#include "tools/cofferd/node_control.h"
#include "tools/cofferd/record_upgrade.h"
#include "tools/cofferd/vault_service.h"

namespace coffer::server {

class ClusterNode final : public log::OwnedService {
 public:
  // Joins the cluster and starts the listener for peers; returns when the node follows. All
  // arguments outlive the node. Errors: invalid_argument (configuration, topics), unavailable.
  [[nodiscard]] static Result<std::unique_ptr<ClusterNode>> start(const Config& config,
                                                                  const TokenFiles& token,
                                                                  const Clock& clock,
                                                                  Random& random,
                                                                  Observation observation);
  ~ClusterNode() override;

  void on_client_request(std::shared_ptr<net::HttpRequest> request, net::Responder respond) {
    router_->on_client_request(std::move(request), std::move(respond));
  }
  // Gives up ownership in good order and leaves the group; goes on forwarding. At most
  // `drain_seconds` for requests under way.
  void hand_over(unsigned drain_seconds);
  // After hand_over() and when no more requests come.
  void stop();
  Result<void> reload_certificate();
  // Why this node cannot go on: the log holds what it does not read. The process has to end.
  [[nodiscard]] std::optional<Error> failure() const;
  // How far this node's store was when it last asked, a second ago or so; only while it follows.
  [[nodiscard]] log::ReplicaProgress progress() const;

 private:
  ClusterNode(const Config& config, const TokenFiles& token, const Clock& clock, Random& random,
              Observation observation);
  Result<void> open();
  Result<void> start_peers();
  void start_snapshots();
  void bootstrap();
  void note_progress(log::KafkaReplica& replica);
  void note_warm(const log::ReplicaProgress& progress);
  [[nodiscard]] net::PeerStatus peer_status() const;
  [[nodiscard]] net::HaStatus ha_status() const;
  // cluster_metrics.cpp
  void add_metrics(MetricsPage& page) const;
  [[nodiscard]] std::string standby_metrics() const;

  // OwnedService, on the node's thread.
  Result<void> begin(log::KafkaEventLog& log) override;
  void close_entrance() override;
  void drain(std::chrono::milliseconds limit) override;
  void end() override;
  void turn() override;
  void tick() override;
  std::unique_ptr<log::OwnershipGroup> join_group() override;
  bool is_candidate() const override { return warm_ && !unreadable_ && control_.is_candidate(); }
  void followed(log::KafkaReplica& replica) override;
  void lost_sight(const Error& why) override;
  void report(Severity severity, const std::string& what) override;

  Result<std::unique_ptr<VaultService>> open_vault(log::KafkaEventLog& log);
  void note_owner(const log::KafkaReplica& replica);
  void answer_looks(log::KafkaReplica& replica);
  void send_echo();
  void upgrade_records();
  [[nodiscard]] net::NodeState node_state() const;
  [[nodiscard]] bool serves() const;  // there is an active node, as far as this one knows

  const Config& config_;
  const TokenFiles& token_;
  const Clock& clock_;
  Random& random_;
  const Observation observation_;
  std::vector<ClusterMember> members_;
  ClusterMember self_;
  log::KafkaLogOptions log_options_;
  net::VaultApiOptions api_options_;  // set before the first request
  NodeControl control_;
  EchoBoard echoes_;
  net::AddressBook book_;
  std::unique_ptr<net::PeerClient> peers_;
  std::unique_ptr<net::RequestRouter> router_;
  std::unique_ptr<net::SnapshotServer> snapshots_;
  std::unique_ptr<net::HttpServer> peer_listener_;

  // The node's thread only.
  log::KafkaEventLog* log_ = nullptr;     // while active
  std::optional<RecordUpgrade> records_;  // the same
  bool upgrade_failed_ = false;
  std::unique_ptr<VaultService> vault_;  // the same
  net::LocalHandler serving_;            // requests under way of vault_ hold it
  std::weak_ptr<log::RocksDbState> store_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_echo_;
  std::string echoed_to_;
  net::NodeState echoed_state_ = net::NodeState::unknown;
  std::chrono::steady_clock::time_point next_progress_;
  std::chrono::steady_clock::time_point next_lag_line_;

  std::unique_ptr<log::OwnerCycle> cycle_;
  std::thread thread_;
  std::atomic<LogPosition> applied_ = 0;
  std::atomic<std::chrono::steady_clock::time_point> lease_ends_ =
      std::chrono::steady_clock::time_point{};  // as of the last turn
  std::atomic<std::uint64_t> takeovers_ = 0;
  std::atomic<bool> warm_ = false;        // has been at the end of the topics
  std::atomic<bool> unreadable_ = false;  // failure_ is set
  mutable std::mutex mutex_;              // guards what follows
  std::optional<Error> failure_;
  std::string owner_;
  Timestamp active_since_;
  std::uint64_t epoch_ = 0;
  log::ReplicaProgress progress_;  // as last asked; not while active
};

}  // namespace coffer::server
