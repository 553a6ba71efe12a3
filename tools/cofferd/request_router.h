// Where a request of this node goes: to the vault here while this node is the active one, to the
// active node otherwise, and for as long as there is none, to a bounded lot where it waits.
//
// A request leaves the lot to be served or forwarded, or with 503 after `wait`. One that a peer has
// forwarded is served or refused at once: the node that took it from the client keeps it.
// Threads: requests from any; the rest from the node's own thread.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/cluster/peer_client.h"
#include "tools/cofferd/vault_service.h"

namespace coffer::server {

// What this node serves from while it is the active one. Requests under way hold it.
struct ActiveVault {
  std::unique_ptr<log::EventLog> log;
  std::unique_ptr<VaultService> vault;
  ~ActiveVault() {
    vault.reset();
    log.reset();
  }
};
using ActiveVaultPtr = std::shared_ptr<ActiveVault>;

struct RouterOptions {
  std::string node;
  std::chrono::milliseconds wait{10'000};
  std::size_t waiting_max = 10'000;
};

class RequestRouter {
 public:
  // What a standby answers by itself, if anything.
  using StandbyAnswer = std::function<std::optional<net::HttpResponse>(const net::HttpRequest&)>;

  RequestRouter(RouterOptions options, net::PeerClient& peers, const net::AddressBook& book,
                StandbyAnswer standby)
      : options_(std::move(options)), peers_(peers), book_(book), standby_(std::move(standby)) {}

  void on_client_request(std::shared_ptr<net::HttpRequest> request, net::Responder respond);
  void on_peer_request(std::shared_ptr<net::HttpRequest> request, net::Responder respond);

  // Null: this node is not, or no longer, the active one.
  void set_active(ActiveVaultPtr active);
  // The active node as this one knows it; empty: nobody.
  void set_owner(std::string node);
  // Tries again with everything that waits. Several times a second.
  void retry_waiting();
  // Nothing waits any longer: all of them get 503.
  void give_up_waiting();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Waiting {
    std::shared_ptr<net::HttpRequest> request;
    net::Responder respond;
    Time deadline;
    bool prepared = false;  // has the headers of a forwarded request
  };

  void route(Waiting waiting);
  void forward(const net::PeerAddress& owner, Waiting waiting);
  void wait(Waiting waiting);
  static void serve(ActiveVaultPtr active, std::shared_ptr<net::HttpRequest> request,
                    net::Responder respond);
  [[nodiscard]] ActiveVaultPtr active() const;

  const RouterOptions options_;
  net::PeerClient& peers_;
  const net::AddressBook& book_;
  const StandbyAnswer standby_;
  mutable std::mutex mutex_;  // guards what follows
  ActiveVaultPtr active_;
  std::string owner_;
  std::vector<Waiting> waiting_;
};

}  // namespace coffer::server
