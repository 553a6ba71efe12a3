// One node of a cluster: follows the replicated log with a warm store, forwards what it is asked to
// the active node, and becomes the active node when the owners' group gives it the partition.
// That life is log::OwnerCycle's; this class is the vault, the router and the peers around it.
//
// Threads: one of its own does all of the above; requests come from the listeners' threads.
#pragma once

#include <atomic>
#include <thread>

#include "events/log/kafka/owner_cycle.h"
#include "net/cluster/request_router.h"
#include "net/vault_api/ha_status.h"
#include "tools/cofferd/cluster_members.h"
#include "tools/cofferd/vault_service.h"

namespace coffer::server {

class ClusterNode final : public log::OwnedService {
 public:
  // Joins the cluster and starts the listener for peers; returns when the node follows. All
  // arguments outlive the node. Errors: invalid_argument (configuration, topics), unavailable.
  [[nodiscard]] static Result<std::unique_ptr<ClusterNode>> start(const Config& config,
                                                                  const TokenFiles& token,
                                                                  const Clock& clock,
                                                                  Random& random);
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

 private:
  ClusterNode(const Config& config, const TokenFiles& token, const Clock& clock, Random& random);
  Result<void> open();
  Result<void> start_peers();
  Result<void> load_kafka_options();
  [[nodiscard]] net::HaStatus ha_status() const;

  // OwnedService, on the node's thread.
  Result<void> begin(log::KafkaEventLog& log) override;
  void close_entrance() override;
  void drain(std::chrono::milliseconds limit) override;
  void end() override;
  void turn() override;
  void tick() override;
  std::unique_ptr<log::OwnershipGroup> join_group() override;
  void followed(log::KafkaReplica& replica) override;
  void report(Severity severity, const std::string& what) override;

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
  std::unique_ptr<net::HttpServer> peer_listener_;

  // The node's thread only.
  std::unique_ptr<log::OwnershipGroup> group_;  // until the cycle takes it
  std::unique_ptr<VaultService> vault_;         // while active
  net::LocalHandler serving_;                   // requests under way of vault_ hold it

  std::unique_ptr<log::OwnerCycle> cycle_;
  std::thread thread_;
  std::atomic<bool> initialized_ = false;
  mutable std::mutex mutex_;  // guards what follows
  std::string owner_;
  Timestamp active_since_;
};

}  // namespace coffer::server
