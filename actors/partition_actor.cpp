#include "actors/partition_actor.h"

#include <deque>

#include "actors/quarantine.h"
#include "actors/tenant_actor.h"

namespace coffer::actors {
namespace {

void refuse(TenantRequest& request, ErrorCode code, const char* message) {
  std::visit([&](auto& body) { body.done.fail(code, message); }, request.body);
}

class PartitionActor final : public caf::event_based_actor {
 public:
  PartitionActor(caf::actor_config& config, Services& services, ActorStatsPtr stats)
      : caf::event_based_actor(config), services_(services), stats_(std::move(stats)) {}

  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& down) { ended(down); });
    return {
        [this](const TenantRequestPtr& request) {
          const BusyScope busy(*stats_);
          route(request);
        },
        [this](const DropTenantsPtr& drop) {
          const BusyScope busy(*stats_);
          if (drop->only) return end_tenant(*drop->only);
          while (!tenants_.empty()) end_tenant(tenants_.begin()->first);
        },
        [this](const ResumePtr& resume) {
          const BusyScope busy(*stats_);
          resume->run();
        },
    };
  }

  void on_exit() override {
    for (const auto& [id, tenant] : tenants_)
      caf::anon_send_exit(tenant.handle(), caf::exit_reason::user_shutdown);
  }

 private:
  void route(const TenantRequestPtr& request) {
    if (const auto fenced = fenced_.find(request->tenant); fenced != fenced_.end()) {
      if (fenced->second.size() >= services_.limits.mailbox_max)
        return refuse(*request, ErrorCode::overloaded, "too many requests for this namespace");
      return fenced->second.push_back(request);
    }
    if (quarantine_.holds(request->tenant, services_.clock.monotonic_ns()))
      return refuse(*request, ErrorCode::unavailable,
                    "this namespace is quarantined after repeated faults");
    auto found = tenants_.find(request->tenant);
    if (found == tenants_.end()) {
      const auto entry = services_.directory.find(request->tenant);
      if (!entry) return refuse(*request, ErrorCode::not_found, "namespace not found");
      auto ref = spawn_tenant_actor(*this, services_, *entry, stats_->id);
      monitor(ref.handle());
      by_actor_.emplace(ref.handle().id(), request->tenant);
      found = tenants_.emplace(request->tenant, std::move(ref)).first;
    }
    found->second.send(request);
  }

  // By value: the caller may name a key of tenants_, which is erased here.
  void end_tenant(const TenantId id) {
    const auto found = tenants_.find(id);
    if (found == tenants_.end()) return;
    by_actor_.erase(found->second.handle().id());
    caf::anon_send_exit(found->second.handle(), caf::exit_reason::user_shutdown);
    tenants_.erase(found);
    services_.tenants.erase(id);
  }

  void ended(const caf::down_msg& down) {
    const auto named = by_actor_.find(down.source.id());
    if (named == by_actor_.end()) return;  // it was told to
    const auto id = named->second;
    by_actor_.erase(named);
    tenants_.erase(id);
    note_crash(id, down.reason);
    fence(id);
  }

  void note_crash(const TenantId& id, const caf::error& reason) {
    quarantine_.note_crash(id, services_.clock.monotonic_ns());
    stats_->note_error("a tenant's actor crashed: " + caf::to_string(reason));
  }

  // Appends of the crashed actor may be under way; the successor must load what they made. The log
  // writer answers in order, so an empty append answers after them.
  void fence(const TenantId& id) {
    services_.tenants.erase(id);
    fenced_.try_emplace(id);
    auto job = std::make_shared<AppendJob>();
    const PartitionRef self{caf::actor_cast<caf::actor>(this), stats_};
    job->done = [this, self, id](const auto&) {
      self.send(std::make_shared<Resume>(Resume{[this, id] {
        services_.tenants.erase(id);
        // They may hold what the crashed tenant published before an append whose end it did not
        // see: a revoked token must not live on in a table.
        services_.secrets.clear();
        services_.tokens.clear();
        services_.identities.clear();
        auto held = std::move(fenced_.at(id));
        fenced_.erase(id);
        for (const auto& request : held) route(request);
      }}));
    };
    services_.log_writer.send(std::move(job));
  }

  Services& services_;
  ActorStatsPtr stats_;
  std::unordered_map<TenantId, TenantRef> tenants_;
  std::unordered_map<caf::actor_id, TenantId> by_actor_;
  Quarantine<TenantId> quarantine_;
  std::unordered_map<TenantId, std::deque<TenantRequestPtr>> fenced_;
};

}  // namespace

PartitionRef spawn_partition_actor(caf::actor_system& system, Services& services,
                                   PartitionId partition, std::uint64_t parent_id) {
  auto stats = services.registry.add("partition", "", std::to_string(partition), parent_id);
  auto actor = system.spawn<PartitionActor>(std::ref(services), stats);
  return {std::move(actor), std::move(stats)};
}

}  // namespace coffer::actors
