// Puts forwarding in front of the handler of a node: what belongs elsewhere goes to its owner, what
// comes from a peer is served or refused, and never goes on to a third node.
// Threads: handlers are called by both listeners at once. Ownership: client, book and what the
// functions use outlive the Forwarder and every request under way.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "net/cluster/address_book.h"
#include "net/cluster/peer_client.h"
#include "net/http/http_server.h"

namespace coffer::net {

// Who has to handle a request.
struct RequestOwner {
  enum class Where {
    here,     // this node owns the partition, or the request concerns the node itself
    peer,     // node_id does
    unknown,  // nobody yet: between two owners
  };
  Where where = Where::here;
  std::string node_id;
};
// Called on an io thread: must not block.
using OwnerOf = std::function<RequestOwner(const HttpRequest&)>;

struct ForwarderOptions {
  std::string node_id;
  // Less than HttpLimits::response_seconds_max of the public listener, or the client's connection
  // ends without an answer.
  std::chrono::milliseconds deadline{75'000};
};

class Forwarder {
 public:
  Forwarder(ForwarderOptions options, PeerClient& client, const AddressBook& book, OwnerOf owner_of,
            HttpHandler local);

  // The handler of the public listener.
  void on_client_request(std::shared_ptr<HttpRequest> request, Responder respond) const;
  // The handler of the listener for peers, which requires their certificate.
  void on_peer_request(std::shared_ptr<HttpRequest> request, Responder respond) const;

 private:
  void forward(const PeerAddress& owner, std::shared_ptr<HttpRequest> request,
               Responder respond) const;

  const ForwarderOptions options_;
  PeerClient& client_;
  const AddressBook& book_;
  const OwnerOf owner_of_;
  const HttpHandler local_;
};

}  // namespace coffer::net
