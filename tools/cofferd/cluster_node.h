// One node of a cluster: follows the replicated log with a warm store, forwards what it is asked to
// the active node, and becomes the active node when the owners' group gives it the partition.
//
//   following ── gained ──> taking over (claim, old lease, HSM login) ──> active
//       ^                                                                   │
//       └───── handed over: drained, released <── lost, asked to stop ──────┤
//       └───── dropped without a hand-over    <── the log has stopped ──────┘
//
// A sealed node, and one that was told to stand back (node_control.h), leaves the group: it follows
// and is never the active one.
//
// Threads: one of its own does all of the above; requests come from the listeners' threads.
#pragma once

#include <atomic>
#include <set>
#include <thread>

#include "events/log/kafka/kafka_event_log.h"
#include "events/log/kafka/ownership_group.h"
#include "net/cluster/request_router.h"
#include "net/vault_api/ha_status.h"
#include "tools/cofferd/cluster_members.h"
#include "tools/cofferd/echo_board.h"
#include "tools/cofferd/node_control.h"
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

 private:
  ClusterNode(const Config& config, const TokenFiles& token, const Clock& clock, Random& random);
  Result<void> open();
  Result<void> start_peers();
  Result<void> load_kafka_options();
  [[nodiscard]] net::HaStatus ha_status() const;

  void run();
  void follow();
  Result<std::size_t> read_log();
  void answer_looks();
  void send_echo();
  [[nodiscard]] net::NodeState node_state() const;
  [[nodiscard]] bool wants_partition() const { return !handing_over_ && control_.is_candidate(); }
  void mind_membership();
  Result<void> join_group();
  [[nodiscard]] bool serves() const;  // there is an active node, as far as this one knows
  void leave_group();
  void become_active(std::unique_ptr<ActiveVault> active, std::uint64_t epoch);
  Result<std::unique_ptr<VaultService>> open_vault(log::KafkaEventLog& log);
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
  NodeControl control_;
  EchoBoard echoes_;
  net::AddressBook book_;
  std::unique_ptr<net::PeerClient> peers_;
  std::unique_ptr<net::RequestRouter> router_;
  std::unique_ptr<net::HttpServer> peer_listener_;

  // The node's thread only.
  std::unique_ptr<log::OwnershipGroup> group_;
  std::unique_ptr<log::KafkaReplica> replica_;  // null while active
  std::unique_ptr<ActiveVault> active_;
  net::LocalHandler serving_;  // requests of active_ that are under way hold it
  bool assigned_ = false;
  bool removed_ = false;  // the group took the partition away without waiting for us

  std::thread thread_;
  std::atomic<bool> handing_over_ = false;
  std::atomic<bool> handed_over_ = false;
  std::atomic<unsigned> drain_seconds_ = 3;
  std::atomic<bool> stopping_ = false;
  std::atomic<LogPosition> applied_ = 0;
  std::chrono::steady_clock::time_point next_echo_;
  std::string echoed_to_;
  net::NodeState echoed_state_ = net::NodeState::unknown;
  std::chrono::steady_clock::time_point next_join_;
  mutable std::mutex mutex_;  // guards what follows
  std::string owner_;
  Timestamp active_since_;
  std::uint64_t epoch_ = 0;
};

}  // namespace coffer::server
