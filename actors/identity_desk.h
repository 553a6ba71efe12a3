// The identity store of one tenant: one change at a time, rows kept with the events, views of
// entities published for the request gate. Part of the tenant's actor and used only inside it.
//
// A view is valid for the generation of the tenant's store that it was made in. A change of one
// entity drops its view; a change of a group, which may concern many, begins a new generation. Both
// happen when the change is durable and before it is answered, so the next request sees it.
#pragma once

#include <atomic>
#include <deque>
#include <functional>

#include "actors/protocols.h"
#include "actors/services.h"

namespace coffer::actors {

class IdentityDesk {
 public:
  // Appends and runs the continuation inside the tenant's actor.
  using Commit = std::function<void(log::Append, std::function<void(const Result<void>&)>)>;
  // The append of a login whose entity is known; it carries the decision's events as well.
  using BuildLogin = std::function<Result<log::Append>(const identity::LoginDecision&)>;

  IdentityDesk(Services& services, Commit commit)
      : services_(services),
        commit_(std::move(commit)),
        generation_(std::make_shared<std::atomic<std::uint64_t>>(
            services.identity_generations.fetch_add(1) + 1)) {}

  void change(const ChangeIdentity& request, const TenantSnapshotPtr& tenant);
  // Publishes the view of an entity.
  void load(const LoadIdentity& request, const TenantSnapshotPtr& tenant);
  // Finds or makes the entity of a login and commits it together with what `build` makes of it.
  void login(const identity::LoginSubject& subject, const TenantSnapshotPtr& tenant,
             BuildLogin build, std::function<void(const Result<void>&)> done);
  // The tenant's actor ends: what waits is answered as dropped.
  void drop_waiting() noexcept { waiting_.clear(); }

  [[nodiscard]] const std::shared_ptr<std::atomic<std::uint64_t>>& generation() const noexcept {
    return generation_;
  }

 private:
  void run_change(const ChangeIdentity& request, const TenantSnapshotPtr& tenant);
  void run_login(const identity::LoginSubject& subject, const TenantSnapshotPtr& tenant,
                 const BuildLogin& build, const std::function<void(const Result<void>&)>& done);
  Result<log::Append> build(const TenantSnapshot& tenant, const ChangeIdentity& request,
                            const identity::Decision& decision);
  // Now when nothing is under way, else in its turn.
  bool in_turn(std::function<void()> run);
  void commit(log::Append append, std::vector<identity::Event> events,
              std::function<void(const Result<void>&)> done);
  void forget_views(const std::vector<identity::Event>& events);
  [[nodiscard]] identity::FreshIds fresh_ids();

  Services& services_;
  Commit commit_;
  std::shared_ptr<std::atomic<std::uint64_t>> generation_;
  bool busy_ = false;                          // a change is being appended
  std::deque<std::function<void()>> waiting_;  // behind it
};

}  // namespace coffer::actors
