#include "net/cluster/forwarder.h"

#include <utility>

#include "net/cluster/forwarding.h"

namespace coffer::net {

Forwarder::Forwarder(ForwarderOptions options, PeerClient& client, const AddressBook& book,
                     OwnerOf owner_of, HttpHandler local)
    : options_(std::move(options)),
      client_(client),
      book_(book),
      owner_of_(std::move(owner_of)),
      local_(std::move(local)) {}

void Forwarder::on_client_request(std::shared_ptr<HttpRequest> request, Responder respond) const {
  strip_forwarding_headers(*request);
  const RequestOwner owner = owner_of_(*request);
  if (owner.where == RequestOwner::Where::here) {
    return local_(std::move(request), std::move(respond));
  }
  const auto address =
      owner.where == RequestOwner::Where::peer ? book_.find(owner.node_id) : std::nullopt;
  // To itself: the lookup is behind by a moment, and a request to oneself would only be refused.
  if (!address || address->node_id == options_.node_id) return respond(owner_unknown_response());
  forward(*address, std::move(request), std::move(respond));
}

void Forwarder::forward(const PeerAddress& owner, std::shared_ptr<HttpRequest> request,
                        Responder respond) const {
  prepare_forwarded(*request, options_.node_id);
  const auto deadline = std::chrono::steady_clock::now() + options_.deadline;
  client_.send(owner, std::move(request), deadline,
               [respond = std::move(respond)](Result<HttpResponse> result) {
                 if (!result) return respond(forward_failure_response(result.error()));
                 HttpResponse response = std::move(result).value();
                 prepare_returned(response);
                 respond(std::move(response));
               });
}

void Forwarder::on_peer_request(std::shared_ptr<HttpRequest> request, Responder respond) const {
  const auto accepted = accept_forwarded(*request, book_);
  if (!accepted) return respond(refused_forward_response(accepted.error()));
  if (owner_of_(*request).where != RequestOwner::Where::here) {
    return respond(not_owner_response());
  }
  local_(std::move(request), std::move(respond));
}

}  // namespace coffer::net
