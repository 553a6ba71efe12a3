#include "actors/secret_router.h"

namespace coffer::actors {
namespace {

void refuse(SecretRequest& request, ErrorCode code, const char* message) {
  std::visit([&](auto& body) { body.done.fail(code, message); }, request.body);
}

}  // namespace

bool SecretRouter::is_closed(const MountId& mount) const {
  return std::any_of(closed_.begin(), closed_.end(),
                     [&](const MountId& closed) { return closed == mount || closed.is_zero(); });
}

void SecretRouter::route(const SecretRequestPtr& request, const TenantKeysPtr& keys,
                         PartitionId partition) {
  if (is_closed(request->key.mount)) return refuse(*request, ErrorCode::not_found, "no such mount");
  const auto now = services_.clock.monotonic_ns();
  if (quarantine_.holds(request->key, now))
    return refuse(*request, ErrorCode::corrupt, "this secret is quarantined after repeated faults");
  if (const auto fenced = fenced_.find(request->key); fenced != fenced_.end()) {
    if (fenced->second.size() >= services_.limits.secret_queue_max)
      return refuse(*request, ErrorCode::overloaded, "too many requests for this secret");
    return fenced->second.push_back(request);
  }
  const bool awake = entries_.contains(request->key);
  auto& entry = wake(request->key, keys, partition);
  entry.used_ns = now;
  order_.splice(order_.begin(), order_, entry.order);
  // A new actor reads the store first, which is not for the caller's thread.
  if (!entry.retiring && !awake) return entry.ref.send(request);
  if (!entry.retiring) return services_.deliver(entry.ref, request);
  if (entry.waiting.size() >= services_.limits.secret_queue_max)
    return refuse(*request, ErrorCode::overloaded, "too many requests for this secret");
  entry.waiting.push_back(request);
}

SecretRouter::Entry& SecretRouter::wake(const SecretKey& key, const TenantKeysPtr& keys,
                                        PartitionId partition) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) return found->second;
  passivate_surplus();
  services_.instruments->add(Count::secret_actors_woken);
  auto ref = spawn_secret_actor(owner_, services_, SecretPlace{key, keys, partition}, tenant_path_,
                                owner_stats_.id);
  owner_.monitor(ref.handle());
  by_actor_.emplace(ref.handle().id(), key);
  order_.push_front(key);
  Entry entry;
  entry.ref = std::move(ref);
  entry.order = order_.begin();
  return entries_.emplace(key, std::move(entry)).first->second;
}

void SecretRouter::retire(Entry& entry) {
  if (entry.retiring) return;
  entry.retiring = true;
  services_.instruments->add(Count::secret_actors_passivated);
  entry.ref.send(std::make_shared<Retire>());
}

void SecretRouter::passivate_surplus() {
  if (services_.secret_actors.load(std::memory_order_relaxed) < services_.limits.secret_actors_max)
    return;
  // A few at a time: a flood of new paths must not stop the tenant for long.
  unsigned left = 4;
  for (auto it = order_.rbegin(); it != order_.rend() && left > 0; ++it) {
    auto& entry = entries_.at(*it);
    if (entry.retiring) continue;
    retire(entry);
    --left;
  }
}

void SecretRouter::passivate_idle(std::int64_t idle_since_ns) {
  for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
    auto& entry = entries_.at(*it);
    if (entry.used_ns >= idle_since_ns) break;
    retire(entry);
  }
  const auto now = services_.clock.monotonic_ns();
  quarantine_.forget_old(now);
}

void SecretRouter::ended(const caf::down_msg& down, const TenantKeysPtr& keys,
                         PartitionId partition) {
  const auto named = by_actor_.find(down.source.id());
  if (named == by_actor_.end()) return;
  const auto key = named->second;
  by_actor_.erase(named);
  const auto found = entries_.find(key);
  auto waiting = std::move(found->second.waiting);
  order_.erase(found->second.order);
  entries_.erase(found);
  if (down.reason) {
    note_crash(key, down.reason);
    return fence(key, std::move(waiting), keys, partition);
  }
  for (const auto& request : waiting) route(request, keys, partition);
  check_closing();
}

// The crashed actor may have left an append under way: its successor must load what that made of
// the secret. The log writer answers in order, so an empty append answers after it.
void SecretRouter::fence(const SecretKey& key, std::deque<SecretRequestPtr> waiting,
                         const TenantKeysPtr& keys, PartitionId partition) {
  services_.secrets.erase(key);
  fenced_.emplace(key, std::move(waiting));
  auto job = std::make_shared<AppendJob>();
  job->done = [this, resume = resume_, key, keys, partition](const auto&) {
    resume([this, key, keys, partition] {
      services_.secrets.erase(key);
      auto held = std::move(fenced_.at(key));
      fenced_.erase(key);
      for (const auto& request : held) route(request, keys, partition);
      check_closing();
    });
  };
  services_.log_writer.send(std::move(job));
}

void SecretRouter::note_crash(const SecretKey& key, const caf::error& reason) {
  quarantine_.note_crash(key, services_.clock.monotonic_ns());
  owner_stats_.note_error("a secret's actor crashed: " + caf::to_string(reason));
}

void SecretRouter::close(const MountId& mount, std::function<void()> then) {
  closed_.push_back(mount);
  for (auto& [key, entry] : entries_)
    if (mount.is_zero() || key.mount == mount) retire(entry);
  closing_.emplace_back(mount, std::move(then));
  check_closing();
}

void SecretRouter::reopen(const MountId& mount) {
  std::erase(closed_, mount);
}

void SecretRouter::check_closing() {
  for (std::size_t i = 0; i < closing_.size();) {
    const auto mount = closing_[i].first;
    const bool alive = std::any_of(entries_.begin(), entries_.end(), [&](const auto& item) {
      return mount.is_zero() || item.first.mount == mount;
    });
    if (alive) {
      ++i;
      continue;
    }
    const auto then = std::move(closing_[i].second);
    closing_.erase(closing_.begin() + static_cast<std::ptrdiff_t>(i));
    then();
    i = 0;  // `then` may have changed the list
  }
}

void SecretRouter::kill_all() noexcept {
  for (auto& [key, entry] : entries_)
    caf::anon_send_exit(entry.ref.handle(), caf::exit_reason::kill);
  // A pending timer keeps the owner's object alive: it must not keep these, nor their requests.
  by_actor_.clear();
  order_.clear();
  entries_.clear();
  fenced_.clear();
  closing_.clear();
}

}  // namespace coffer::actors
