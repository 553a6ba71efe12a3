#include "actors/identity_desk.h"

#include "actors/admission.h"
#include "actors/identity_rows.h"

namespace coffer::actors {
namespace {

constexpr std::size_t kChangesWaitingMax = 4000;
// Views that are dropped one by one before a new generation is cheaper.
constexpr std::size_t kViewsDroppedMax = 64;

}  // namespace

void IdentityDesk::load(const LoadIdentity& request, const TenantSnapshotPtr& tenant) {
  const IdentityRows rows(services_.log, *tenant->keys);
  auto view = view_identity(rows, request.id);
  if (!view) return request.done.fail(view.error());
  view->tenant = tenant->view.id;
  view->generation = *generation_;
  services_.identities.publish(request.id, std::make_shared<const IdentityView>(std::move(*view)),
                               1);
  request.done(true);
}

bool IdentityDesk::in_turn(std::function<void()> run) {
  if (busy_ && waiting_.size() >= kChangesWaitingMax) return false;
  if (busy_)
    waiting_.push_back(std::move(run));
  else
    run();
  return true;
}

void IdentityDesk::change(const ChangeIdentity& request, const TenantSnapshotPtr& tenant) {
  if (!in_turn([this, request, tenant] { run_change(request, tenant); }))
    request.done.fail(ErrorCode::overloaded, "too many changes of identities");
}

void IdentityDesk::run_change(const ChangeIdentity& request, const TenantSnapshotPtr& tenant) {
  const IdentityRows rows(services_.log, *tenant->keys);
  auto decision = identity::decide(rows, request.command, fresh_ids(), services_.clock.now());
  if (!decision) return request.done.fail(decision.error());
  api::IdentityChanged changed{std::move(*decision), false};
  if (changed.decision.events.empty()) return request.done(std::move(changed));
  auto append = build(*tenant, request, changed.decision);
  if (!append) return request.done.fail(append.error());
  changed.recorded = request.admission != nullptr;
  auto events = changed.decision.events;
  commit(std::move(*append), std::move(events),
         [changed = std::move(changed), done = request.done](const Result<void>& result) {
           if (!result) return done.fail(result.error());
           done(changed);
         });
}

Result<log::Append> IdentityDesk::build(const TenantSnapshot& tenant, const ChangeIdentity& request,
                                        const identity::Decision& decision) {
  const auto now = services_.clock.now();
  const auto& keys = *tenant.keys;
  log::Append append;
  append.partition = tenant.partition;
  const std::vector<codec::AnyEvent> any(decision.events.begin(), decision.events.end());
  COFFER_ASSIGN(append.event, seal_events(keys, TenantId{}.view(), any, now,
                                          random_id<Id128<codec::CommandTag>>(services_.random)));
  const int status = decision.created ? request.created_status : request.changed_status;
  COFFER_ASSIGN(append.access, success_record(request.admission, keys, status, 0, now));
  COFFER_TRY(add_identity_rows(append, services_.log, keys, decision.events));
  return append;
}

void IdentityDesk::login(const identity::LoginSubject& subject, const TenantSnapshotPtr& tenant,
                         BuildLogin build, std::function<void(const Result<void>&)> done) {
  if (!in_turn([this, subject, tenant, build = std::move(build), done] {
        run_login(subject, tenant, build, done);
      }))
    done(fail(ErrorCode::overloaded, "too many logins of this namespace"));
}

void IdentityDesk::run_login(const identity::LoginSubject& subject, const TenantSnapshotPtr& tenant,
                             const BuildLogin& build,
                             const std::function<void(const Result<void>&)>& done) {
  const IdentityRows rows(services_.log, *tenant->keys);
  auto decision = identity::decide_login(rows, subject, fresh_ids(), services_.clock.now());
  if (!decision) return done(decision.error());
  auto append = build(*decision);
  if (!append) return done(append.error());
  // Most logins change nothing here: they do not wait for each other.
  if (decision->events.empty()) return commit_(std::move(*append), done);
  const auto rows_added =
      add_identity_rows(*append, services_.log, *tenant->keys, decision->events);
  if (!rows_added) return done(rows_added.error());
  commit(std::move(*append), std::move(decision->events), done);
}

void IdentityDesk::commit(log::Append append, std::vector<identity::Event> events,
                          std::function<void(const Result<void>&)> done) {
  busy_ = true;
  commit_(std::move(append),
          [this, events = std::move(events), done = std::move(done)](const Result<void>& result) {
            // Also when the outcome is unknown.
            forget_views(events);
            done(result);
            busy_ = false;
            while (!busy_ && !waiting_.empty()) {
              const auto run = std::move(waiting_.front());
              waiting_.pop_front();
              run();
            }
          });
}

void IdentityDesk::forget_views(const std::vector<identity::Event>& events) {
  std::vector<identity::EntityId> single;
  bool many = false;
  for (const auto& event : events) {
    if (const auto* written = std::get_if<identity::EntityWritten>(&event)) {
      single.push_back(written->entity.id);
    } else if (const auto* members = std::get_if<identity::GroupMembersChanged>(&event)) {
      many = many || !members->groups_added.empty() || !members->groups_removed.empty();
      for (const auto* ids : {&members->entities_added, &members->entities_removed})
        single.insert(single.end(), ids->begin(), ids->end());
    } else {
      many = true;
    }
  }
  if (many || single.size() > kViewsDroppedMax) {
    *generation_ = services_.identity_generations.fetch_add(1) + 1;
    return;
  }
  for (const auto& id : single) services_.identities.erase(id);
}

identity::FreshIds IdentityDesk::fresh_ids() {
  return {random_id<identity::EntityId>(services_.random),
          random_id<identity::GroupId>(services_.random),
          random_id<identity::AliasId>(services_.random)};
}

}  // namespace coffer::actors
