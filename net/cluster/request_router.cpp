#include "net/cluster/request_router.h"

#include <algorithm>

namespace coffer::net {
namespace {

using Clock = std::chrono::steady_clock;

bool is_not_owner(const HttpResponse& response) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [](const auto& header) { return header.first == kNotOwnerHeader; });
}

}  // namespace

LocalHandler RequestRouter::active() const {
  const std::lock_guard lock(mutex_);
  return active_;
}

void RequestRouter::set_active(LocalHandler active) {
  const std::lock_guard lock(mutex_);
  active_.swap(active);
}

void RequestRouter::set_owner(std::string node) {
  const std::lock_guard lock(mutex_);
  owner_ = std::move(node);
  version_ = options_.forward_versions.latest;  // another node, or another release of this one
}

// Requests that were sent in the older version meanwhile have nothing to say about this one.
void RequestRouter::note_version(unsigned sent, unsigned version) {
  const std::lock_guard lock(mutex_);
  if (version_ == sent) version_ = version;
}

void RequestRouter::on_client_request(std::shared_ptr<HttpRequest> request, Responder respond) {
  strip_forwarding_headers(*request);
  if (auto here = active()) return serve(std::move(here), std::move(request), std::move(respond));
  if (standby_ && standby_(request, respond)) return counts_.add(kAnswered);
  route({std::move(request), std::move(respond), Clock::now() + options_.wait, 0});
}

void RequestRouter::on_peer_request(std::shared_ptr<HttpRequest> request, Responder respond) {
  const std::string echo(request->header(kEchoHeader));
  const auto accepted = accept_forwarded(*request, book_, options_.forward_versions);
  if (!accepted)
    return respond(refused_forward_response(accepted.error(), options_.forward_versions));
  if (!echo.empty()) {
    if (echo_) echo_(accepted->node_id, echo);
    HttpResponse noted;
    noted.status = 204;
    return respond(std::move(noted));
  }
  request->forwarded_by = accepted->node_id;
  if (auto here = active()) return serve(std::move(here), std::move(request), std::move(respond));
  respond(not_owner_response());
}

// The answer may come after this node has stopped being the active one: the vault lives until then.
void RequestRouter::serve(LocalHandler active, std::shared_ptr<HttpRequest> request,
                          Responder respond) {
  counts_.add(kServed);
  const auto& handle = *active;
  handle(std::move(request), [active = std::move(active), respond = std::move(respond)](
                                 HttpResponse response) { respond(std::move(response)); });
}

void RequestRouter::route(Waiting waiting) {
  std::optional<PeerAddress> owner;
  {
    std::unique_lock lock(mutex_);
    if (auto here = active_) {
      lock.unlock();
      if (waiting.prepared != 0) strip_forwarding_headers(*waiting.request);
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
      return counts_.add(kWaited);
    }
  }
  counts_.add(kGaveUp);
  waiting.respond(owner_unknown_response());
}

void RequestRouter::forward(const PeerAddress& owner, Waiting waiting) {
  const auto version = [this] {
    const std::lock_guard lock(mutex_);
    return version_;
  }();
  if (waiting.prepared != version) prepare_forwarded(*waiting.request, options_.node, version);
  waiting.prepared = version;
  auto request = waiting.request;
  auto shared = std::make_shared<Waiting>(std::move(waiting));
  peers_.send(
      owner, std::move(request), Clock::now() + options_.answer_max,
      [this, shared, version](Result<HttpResponse> result) {
        // Nothing was done with it: the next owner gets it, or this one in its version.
        bool again = result ? is_not_owner(*result) : result.error().code == ErrorCode::unavailable;
        if (result)
          if (const auto theirs = version_to_retry(*result, version, options_.forward_versions)) {
            note_version(version, *theirs);
            again = true;
          }
        if (again) return wait(std::move(*shared));
        if (!result) {
          counts_.add(kForwardFailures);
          return shared->respond(forward_failure_response(result.error()));
        }
        counts_.add(kForwarded);
        prepare_returned(*result);
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

RequestRouter::Counts RequestRouter::counts() const {
  const std::lock_guard lock(mutex_);
  return {.served = counts_.value(kServed),
          .answered = counts_.value(kAnswered),
          .forwarded = counts_.value(kForwarded),
          .forward_failures = counts_.value(kForwardFailures),
          .waited = counts_.value(kWaited),
          .gave_up = counts_.value(kGaveUp),
          .waiting = waiting_.size()};
}

void RequestRouter::give_up_waiting(HttpResponse (*answer)()) {
  std::vector<Waiting> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  counts_.add(kGaveUp, waiting.size());
  for (auto& one : waiting) one.respond(answer());
}

}  // namespace coffer::net
