#include "tools/cofferd/request_router.h"

#include "net/cluster/forwarding.h"

namespace coffer::server {
namespace {

using Clock = std::chrono::steady_clock;

bool is_not_owner(const net::HttpResponse& response) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [](const auto& header) { return header.first == net::kNotOwnerHeader; });
}

}  // namespace

ActiveVaultPtr RequestRouter::active() const {
  const std::lock_guard lock(mutex_);
  return active_;
}

void RequestRouter::set_active(ActiveVaultPtr active) {
  const std::lock_guard lock(mutex_);
  active_.swap(active);
}

void RequestRouter::set_owner(std::string node) {
  const std::lock_guard lock(mutex_);
  owner_ = std::move(node);
}

void RequestRouter::on_client_request(std::shared_ptr<net::HttpRequest> request,
                                      net::Responder respond) {
  net::strip_forwarding_headers(*request);
  if (auto here = active()) return serve(std::move(here), std::move(request), std::move(respond));
  if (auto answer = standby_(*request)) return respond(std::move(*answer));
  route({std::move(request), std::move(respond), Clock::now() + options_.wait, false});
}

void RequestRouter::on_peer_request(std::shared_ptr<net::HttpRequest> request,
                                    net::Responder respond) {
  const auto accepted = net::accept_forwarded(*request, book_);
  if (!accepted) return respond(net::refused_forward_response(accepted.error()));
  if (auto here = active()) return serve(std::move(here), std::move(request), std::move(respond));
  respond(net::not_owner_response());
}

// The answer may come after this node has stopped being the active one: the vault lives until then.
void RequestRouter::serve(ActiveVaultPtr active, std::shared_ptr<net::HttpRequest> request,
                          net::Responder respond) {
  auto& vault = *active->vault;
  vault.handle(std::move(request), [active = std::move(active), respond = std::move(respond)](
                                       auto response) { respond(std::move(response)); });
}

void RequestRouter::route(Waiting waiting) {
  std::optional<net::PeerAddress> owner;
  {
    std::unique_lock lock(mutex_);
    if (auto here = active_) {
      lock.unlock();
      if (waiting.prepared) net::strip_forwarding_headers(*waiting.request);
      return serve(std::move(here), std::move(waiting.request), std::move(waiting.respond));
    }
    if (!owner_.empty() && owner_ != options_.node) owner = book_.find(owner_);
  }
  if (!owner) return wait(std::move(waiting));
  forward(*owner, std::move(waiting));
}

void RequestRouter::wait(Waiting waiting) {
  {
    const std::lock_guard lock(mutex_);
    if (Clock::now() < waiting.deadline && waiting_.size() < options_.waiting_max) {
      waiting_.push_back(std::move(waiting));
      return;
    }
  }
  waiting.respond(net::owner_unknown_response());
}

void RequestRouter::forward(const net::PeerAddress& owner, Waiting waiting) {
  if (!waiting.prepared) net::prepare_forwarded(*waiting.request, options_.node);
  waiting.prepared = true;
  constexpr std::chrono::seconds kAnswer{75};
  auto request = waiting.request;
  auto shared = std::make_shared<Waiting>(std::move(waiting));
  peers_.send(owner, std::move(request), Clock::now() + kAnswer,
              [this, shared](Result<net::HttpResponse> result) {
                // Nothing was done with it: the next owner gets it.
                const bool again =
                    result ? is_not_owner(*result) : result.error().code == ErrorCode::unavailable;
                if (again) return wait(std::move(*shared));
                if (!result) return shared->respond(net::forward_failure_response(result.error()));
                net::prepare_returned(*result);
                shared->respond(std::move(*result));
              });
}

void RequestRouter::retry_waiting() {
  std::vector<Waiting> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (auto& one : waiting) route(std::move(one));
}

void RequestRouter::give_up_waiting() {
  std::vector<Waiting> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (auto& one : waiting) one.respond(net::owner_unknown_response());
}

}  // namespace coffer::server
