// Where a request of this node goes: to the vault here while this node is the active one, to the
// active node otherwise, and for as long as there is none, to a bounded lot where it waits.
//
// A request leaves the lot to be served or forwarded, or with 503 after `wait`. One that a peer has
// forwarded is served or refused at once, and never goes on to a third node: the node that took it
// from the client keeps it.
// Threads: requests from any, by both listeners at once; the rest from one. Ownership: client, book
// and what the handlers use outlive the router and every request under way.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "events/base/instruments.h"
#include "net/cluster/forwarding.h"
#include "net/cluster/peer_client.h"
#include "net/http/http_server.h"

namespace coffer::net {

// Serves requests here. Each request under way holds it, so its use count tells when all have
// ended.
using LocalHandler = std::shared_ptr<const HttpHandler>;

struct RouterOptions {
  std::string node;
  std::chrono::milliseconds wait{10'000};
  std::size_t waiting_max = 10'000;
  // Of a forwarded request; less than HttpLimits::response_seconds_max of the public listener.
  std::chrono::milliseconds answer_max{75'000};
  ForwardVersions forward_versions = kForwardVersions;
};

class RequestRouter {
 public:
  // What a standby answers by itself: true when it does, now or later. Otherwise the request goes
  // on, and its answer to `respond`, which may have been replaced. May be empty.
  using StandbyAnswer =
      std::function<bool(const std::shared_ptr<HttpRequest>&, Responder& respond)>;
  // Another node says how it stands (echo_request). May be empty.
  using PeerEcho = std::function<void(const std::string& node, std::string_view text)>;

  RequestRouter(RouterOptions options, PeerClient& peers, const AddressBook& book,
                StandbyAnswer standby, PeerEcho echo = nullptr)
      : options_(std::move(options)),
        peers_(peers),
        book_(book),
        standby_(std::move(standby)),
        echo_(std::move(echo)),
        version_(options_.forward_versions.latest) {}

  void on_client_request(std::shared_ptr<HttpRequest> request, Responder respond);
  void on_peer_request(std::shared_ptr<HttpRequest> request, Responder respond);

  struct Counts {
    std::uint64_t served = 0;    // here, for clients of this node and of others
    std::uint64_t answered = 0;  // by this node as a standby
    std::uint64_t forwarded = 0;
    std::uint64_t forward_failures = 0;  // the client got an error of this node's
    std::uint64_t waited = 0;            // times that a request had to wait for an owner
    std::uint64_t gave_up = 0;           // of those, the ones that waited in vain
    std::uint64_t waiting = 0;           // now
  };
  [[nodiscard]] Counts counts() const;

  // Null: this node is not, or no longer, the active one.
  void set_active(LocalHandler active);
  // The active node as this one knows it; empty: nobody.
  void set_owner(std::string node);
  // Tries again with everything that waits. Several times a second.
  void retry_waiting();
  // Nothing waits any longer: all of them get 503, or this answer.
  void give_up_waiting(HttpResponse (*answer)() = &owner_unknown_response);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Waiting {
    std::shared_ptr<HttpRequest> request;
    Responder respond;
    Time deadline;
    unsigned prepared = 0;  // has the headers of a forwarded request, in this version
  };

  void route(Waiting waiting);
  void forward(const PeerAddress& owner, Waiting waiting);
  void note_version(unsigned sent, unsigned version);
  void wait(Waiting waiting);
  void serve(LocalHandler active, std::shared_ptr<HttpRequest> request, Responder respond);
  [[nodiscard]] LocalHandler active() const;

  enum Count : std::size_t {
    kServed,
    kAnswered,
    kForwarded,
    kForwardFailures,
    kWaited,
    kGaveUp,
    kCounts
  };

  const RouterOptions options_;
  PeerClient& peers_;
  const AddressBook& book_;
  const StandbyAnswer standby_;
  const PeerEcho echo_;
  CounterArray counts_{kCounts};
  mutable std::mutex mutex_;  // guards what follows
  LocalHandler active_;
  std::string owner_;
  unsigned version_;  // that the owner is spoken to in
  std::vector<Waiting> waiting_;
};

}  // namespace coffer::net
