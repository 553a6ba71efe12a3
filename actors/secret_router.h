// The living secret actors of one tenant: finds or wakes the actor of a path, passivates idle ones,
// bounds their number, quarantines a secret whose actor keeps crashing. Part of the tenant's actor
// and used only inside it.
#pragma once

#include <caf/all.hpp>
#include <deque>
#include <functional>
#include <list>
#include <unordered_map>

#include "actors/quarantine.h"
#include "actors/secret_actor.h"
#include "actors/services.h"

namespace coffer::actors {

class SecretRouter {
 public:
  // `resume` runs a continuation inside the owner, from any thread.
  using ResumeOwner = std::function<void(std::function<void()>)>;

  SecretRouter(caf::event_based_actor& owner, Services& services, ActorStats& owner_stats,
               std::string tenant_path, ResumeOwner resume)
      : owner_(owner),
        services_(services),
        owner_stats_(owner_stats),
        tenant_path_(std::move(tenant_path)),
        resume_(std::move(resume)) {}

  void route(const SecretRequestPtr& request, const TenantKeysPtr& keys, PartitionId partition);
  // A monitored actor ended: wakes it again if requests wait for it.
  void ended(const caf::down_msg& down, const TenantKeysPtr& keys, PartitionId partition);
  // Retires what has been idle since before `idle_since_ns` (monotonic).
  void passivate_idle(std::int64_t idle_since_ns);
  // Retires every actor of a mount (or all, with a zero id), refuses new requests for it, and runs
  // `then` when the last one has ended.
  void close(const MountId& mount, std::function<void()> then);
  void reopen(const MountId& mount);  // the closing command was refused after all
  void kill_all() noexcept;

 private:
  struct Entry {
    SecretRef ref;
    bool retiring = false;
    std::int64_t used_ns = 0;
    std::deque<SecretRequestPtr> waiting;  // while retiring
    std::list<SecretKey>::iterator order;
  };
  using Entries = std::unordered_map<SecretKey, Entry, SecretKeyHash>;

  Entry& wake(const SecretKey& key, const TenantKeysPtr& keys, PartitionId partition);
  void retire(Entry& entry);
  void passivate_surplus();
  void note_crash(const SecretKey& key, const caf::error& reason);
  void fence(const SecretKey& key, std::deque<SecretRequestPtr> waiting, const TenantKeysPtr& keys,
             PartitionId partition);
  [[nodiscard]] bool is_closed(const MountId& mount) const;
  void check_closing();

  caf::event_based_actor& owner_;
  Services& services_;
  ActorStats& owner_stats_;
  std::string tenant_path_;
  ResumeOwner resume_;
  // Secrets whose actor crashed: what comes in waits until the log is past the crash.
  std::unordered_map<SecretKey, std::deque<SecretRequestPtr>, SecretKeyHash> fenced_;
  Entries entries_;
  std::list<SecretKey> order_;  // most recently used first
  std::unordered_map<caf::actor_id, SecretKey> by_actor_;
  Quarantine<SecretKey, SecretKeyHash> quarantine_;
  std::vector<std::pair<MountId, std::function<void()>>> closing_;
  std::vector<MountId> closed_;
};

}  // namespace coffer::actors
