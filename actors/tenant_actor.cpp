#include "actors/tenant_actor.h"

#include <deque>

#include "actors/admission.h"
#include "actors/cubbyhole.h"
#include "actors/identity_desk.h"
#include "actors/key_rotation.h"
#include "actors/keyring_change.h"
#include "actors/secret_router.h"
#include "actors/tenant_opening.h"
#include "actors/token_desk.h"
#include "actors/wrapping.h"
#include "events/log/state_keys.h"

namespace coffer::actors {
namespace {

using SweepAtom = caf::atom_constant<caf::atom("sweep")>;
using RewrapAtom = caf::atom_constant<caf::atom("rewrap")>;
constexpr std::chrono::seconds kSweepInterval{10};
constexpr unsigned kWrappingSweeps = 30;  // every so many sweeps, wrapped answers too

bool removes_keys(const std::vector<codec::AnyEvent>& events) {
  return std::any_of(events.begin(), events.end(), [](const codec::AnyEvent& event) {
    const auto* own = std::get_if<tenant::Event>(&event);
    return own != nullptr && (std::holds_alternative<tenant::MountDisabled>(*own) ||
                              std::holds_alternative<tenant::TenantDeleted>(*own));
  });
}

class TenantActor final : public caf::event_based_actor {
 public:
  TenantActor(caf::actor_config& config, Services& services, DirectoryEntry entry,
              ActorStatsPtr stats)
      : caf::event_based_actor(config),
        services_(services),
        entry_(std::move(entry)),
        stats_(std::move(stats)),
        resume_([self = weak_self(), stats = stats_](std::function<void()> run) {
          if (auto strong = caf::actor_cast<caf::actor>(self))
            TenantRef(strong, stats).send(std::make_shared<Resume>(Resume{std::move(run)}));
        }),
        secrets_(*this, services_, *stats_, entry_.path, resume_),
        tokens_(services_, [this](log::Append append,
                                  auto then) { commit(std::move(append), std::move(then)); }),
        identities_(services_, [this](log::Append append,
                                      auto then) { commit(std::move(append), std::move(then)); }),
        rotation_(services_, stats_, entry_.id,
                  {resume_, [this](ChangeTenant change) { run(change); },
                   [this](std::chrono::nanoseconds after) {
                     delayed_send(this, after, RewrapAtom::value);
                   }}) {
    services_.tenant_actors.fetch_add(1);
  }
  ~TenantActor() override { leave(); }

  caf::behavior make_behavior() override {
    set_down_handler(
        [this](const caf::down_msg& down) { secrets_.ended(down, keys(), entry_.row.partition); });
    delayed_send(this, kSweepInterval, SweepAtom::value);
    return {
        [this](const TenantRequestPtr& request) {
          const BusyScope busy(*stats_);
          receive(request);
        },
        [this](const SecretRequestPtr& request) {
          const BusyScope busy(*stats_);
          if (snapshot_) return secrets_.route(request, keys(), entry_.row.partition);
          when_active([this, request](const Result<TenantSnapshotPtr>& active) {
            if (active) return secrets_.route(request, keys(), entry_.row.partition);
            std::visit([&](auto& body) { body.done.fail(active.error()); }, request->body);
          });
        },
        [this](const ResumePtr& resume) {
          const BusyScope busy(*stats_);
          resume->run();
        },
        [this](SweepAtom) {
          delayed_send(this, kSweepInterval, SweepAtom::value);
          secrets_.passivate_idle(services_.clock.monotonic_ns() -
                                  services_.limits.secret_idle.count * 1'000'000'000);
          rotation_.rotate_when_due();
          if (++sweeps_ % kWrappingSweeps == 0 && snapshot_) {
            sweep_wrapped(services_, snapshot_);
            sweep_cubbyholes(services_, snapshot_);
          }
        },
        [this](RewrapAtom) { rotation_.wake(); },
    };
  }

  // The next sweep's timer keeps this object for a while: its keys and requests go now.
  void on_exit() override {
    secrets_.kill_all();
    waiting_.clear();
    changes_.clear();
    tokens_.drop_waiting();
    identities_.drop_waiting();
    rotation_.stop();
    snapshot_.reset();
    leave();
  }

 private:
  [[nodiscard]] TenantKeysPtr keys() const { return snapshot_ ? snapshot_->keys : nullptr; }
  [[nodiscard]] caf::actor_addr weak_self() { return caf::actor_cast<caf::actor_addr>(this); }
  [[nodiscard]] TenantRef self_ref() { return {caf::actor_cast<caf::actor>(this), stats_}; }

  void leave() noexcept {
    if (std::exchange(counted_, false)) services_.tenant_actors.fetch_sub(1);
  }

  void receive(const TenantRequestPtr& request) {
    when_active([this, request](const Result<TenantSnapshotPtr>& active) {
      std::visit(
          [&](auto& body) {
            if (!active) return body.done.fail(active.error());
            run(body);
          },
          request->body);
    });
  }

  // -------------------------------------------------------------- activation
  using Activated = std::function<void(const Result<TenantSnapshotPtr>&)>;

  void when_active(Activated then) {
    if (snapshot_) return then(snapshot_);
    if (waiting_.size() >= services_.limits.mailbox_max)
      return then(fail(ErrorCode::overloaded, "too many requests wait for this namespace"));
    waiting_.push_back(std::move(then));
    if (waiting_.size() > 1) return;
    auto job = std::make_shared<HsmJob>();
    job->run = [this, self = self_ref(), &services = services_,
                entry = entry_](hsm::KeyService& hsm) {
      auto material = std::make_shared<Result<TenantMaterial>>(open_tenant(hsm, services, entry));
      self.send(std::make_shared<Resume>(Resume{[this, material] { activated(*material); }}));
    };
    services_.hsm.send(std::move(job));
  }

  void activated(Result<TenantMaterial>& material) {
    Result<TenantSnapshotPtr> outcome = fail(ErrorCode::internal, "not activated");
    if (material) {
      publish(std::move(material->state), std::move(material->policies), nullptr,
              std::move(material->keys));
      rotation_.start(snapshot_->keys);
      outcome = snapshot_;
    } else {
      stats_->note_error(material.error().message);
      outcome = material.error();
    }
    for (auto& then : std::exchange(waiting_, {})) then(outcome);
  }

  // `policies` null: parse them anew.
  void publish(tenant::TenantState state, policy::PolicySet set,
               std::shared_ptr<const PolicyView> policies, TenantKeysPtr keys) {
    if (!policies) policies = std::make_shared<const PolicyView>(set);
    auto snapshot = std::make_shared<TenantSnapshot>();
    snapshot->view = {entry_.id, entry_.path, std::move(state), std::move(set)};
    snapshot->partition = entry_.row.partition;
    snapshot->keys = std::move(keys);
    snapshot->policies = std::move(policies);
    snapshot->link = snapshot_ ? snapshot_->link : std::make_shared<const TenantLink>(self_ref());
    snapshot->identity_generation = identities_.generation();
    snapshot_ = std::move(snapshot);
    services_.tenants.publish(snapshot_);
  }

  // -------------------------------------------------------------- requests
  void run(ActivateTenant& request) { request.done(snapshot_); }
  void run(RotateKey& request) { rotation_.rotate(request); }
  void run(CreateToken& request) { tokens_.create(request, snapshot_, identities_); }
  void run(ChangeIdentity& request) { identities_.change(request, snapshot_); }
  void run(LoadIdentity& request) { identities_.load(request, snapshot_); }
  void run(LoadToken& request) { tokens_.load(request, *snapshot_); }
  void run(ChangeToken& request) { tokens_.change(request, snapshot_); }

  void run(ChangeTenant& request) {
    if (changes_.size() >= services_.limits.secret_queue_max)
      return request.done.fail(ErrorCode::overloaded, "too many changes of this namespace");
    changes_.push_back(request);
    if (changes_.size() == 1) start_change();
  }

  void start_change() {
    auto& request = changes_.front();
    const auto* command = std::get_if<tenant::Command>(&request.command);
    if (command == nullptr) return decide_and_append();
    // What a mount holds must have ended before the mount goes.
    if (const auto* disable = std::get_if<tenant::DisableMount>(command)) {
      auto path = disable->path.ends_with('/') ? disable->path : disable->path + "/";
      const auto found = snapshot_->view.state.mounts.find(path);
      if (found != snapshot_->view.state.mounts.end()) {
        closing_ = found->second.id;
        return secrets_.close(*closing_, [this] { decide_and_append(); });
      }
    } else if (std::holds_alternative<tenant::DeleteTenant>(*command)) {
      closing_ = MountId{};
      return secrets_.close(*closing_, [this] { find_dying_tokens(); });
    }
    decide_and_append();
  }

  // The rows of a deleted tenant's tokens stand under the tokens' ids and are found by a scan of
  // its accessors, which may be many.
  void find_dying_tokens() {
    constexpr std::size_t kTokensMax = 1'000'000;
    auto job = std::make_shared<ReadJob>();
    job->run = [this, self = self_ref(), &services = services_, keys = snapshot_->keys] {
      auto found = std::make_shared<Result<std::vector<AccessorEntry>>>(
          list_accessors(services.log, *keys, kTokensMax));
      self.send(std::make_shared<Resume>(Resume{[this, found] {
        if (!*found) return finish_change(found->error());
        dying_tokens_ = std::move(**found);
        decide_and_append();
      }}));
    };
    if (!services_.reader.try_send(std::move(job), services_.limits.mailbox_max))
      finish_change(fail(ErrorCode::overloaded, "too many scans are under way"));
  }

  struct Decided {
    std::vector<codec::AnyEvent> events;
    tenant::TenantState state;
    policy::PolicySet policies;
    bool policies_changed = false;
    bool deleted = false;
    TenantKeyRingPtr ring = nullptr;  // after a change of the keyring
  };

  Result<Decided> decide(const ChangeTenant& request, Timestamp now) const {
    Decided out{{}, snapshot_->view.state, snapshot_->view.policies};
    if (const auto* command = std::get_if<tenant::Command>(&request.command)) {
      COFFER_ASSIGN(auto events, tenant::decide(out.state, *command, now));
      for (const auto& event : events) {
        COFFER_ASSIGN(out.state, tenant::evolve(std::move(out.state), event));
        out.events.emplace_back(event);
      }
      out.deleted = out.state.deleted;
    } else if (const auto* change = std::get_if<KeyringChange>(&request.command)) {
      if (out.state.deleted) return fail(ErrorCode::not_found, "the namespace is gone");
      COFFER_ASSIGN(auto decided,
                    decide_keyring(services_.tenant_key_rings.find(entry_.id), *change, now));
      for (auto& event : decided.events) out.events.emplace_back(std::move(event));
      out.ring = std::move(decided.after);
    } else {
      COFFER_ASSIGN(auto events,
                    policy::decide(out.policies, std::get<policy::Command>(request.command), now));
      for (const auto& event : events) {
        COFFER_ASSIGN(out.policies, policy::evolve(std::move(out.policies), event));
        out.events.emplace_back(event);
      }
      out.policies_changed = true;
    }
    return out;
  }

  void decide_and_append() {
    auto& request = changes_.front();
    const auto now = services_.clock.now();
    auto decided = decide(request, now);
    if (!decided) return finish_change(decided.error());
    if (decided->events.empty()) return finish_change(api::Changed{.recorded = false});
    auto append = build(request, *decided, now);
    if (!append) return finish_change(append.error());
    const auto durable = ring_change(services_, entry_.id, decided->ring);
    commit(
        std::move(*append),
        [this, after = std::make_shared<Decided>(std::move(*decided))](const Result<void>& result) {
          if (!result) return finish_change(result.error());
          auto policies = after->policies_changed ? nullptr : snapshot_->policies;
          // The wrapped keys of what is gone leave the files without the caller waiting for it.
          if (removes_keys(after->events)) services_.shred_soon = true;
          publish(std::move(after->state), std::move(after->policies), std::move(policies),
                  snapshot_->keys);
          finish_change(api::Changed{.recorded = true});
        },
        durable);
  }

  // On the log writer's thread, before anything that was appended later is answered: from here on
  // the new ring is what everybody wraps with.
  static std::function<void()> ring_change(Services& services, const TenantId& tenant,
                                           TenantKeyRingPtr ring) {
    if (!ring) return nullptr;
    return [&services, tenant, ring = std::move(ring)] {
      services.directory.set_keyring(tenant, ring->state);
      services.tenant_key_rings.set(tenant, ring);
    };
  }

  Result<log::Append> build(const ChangeTenant& request, const Decided& decided, Timestamp now) {
    const auto& keys = *snapshot_->keys;
    log::Append append;
    append.partition = entry_.row.partition;
    COFFER_ASSIGN(append.event, seal_events(keys, TenantId{}.view(), decided.events, now,
                                            random_id<Id128<codec::CommandTag>>(services_.random)));
    COFFER_ASSIGN(append.access,
                  success_record(request.admission, keys, request.success_status, 0, now));
    if (decided.deleted) {
      add_deletion(append);
      return append;
    }
    if (decided.ring) {
      add_keyring_rows(append, entry_, std::get<KeyringChange>(request.command),
                       decided.ring->state);
      return append;
    }
    const auto kind =
        decided.policies_changed ? log::AggregateKind::policies : log::AggregateKind::tenant;
    const auto bytes =
        decided.policies_changed
            ? codec::encode_snapshot(codec::Snapshot<policy::PolicySet>{0, decided.policies})
            : codec::encode_snapshot(codec::Snapshot<tenant::TenantState>{0, decided.state});
    COFFER_ASSIGN(auto row,
                  sealed_row(keys, log::Family::aggregates,
                             log::tenant_aggregate_row(keys.tenant(), kind), bytes, true));
    append.changes.push_back(std::move(row));
    for (const auto& event : decided.events)
      if (const auto* any = std::get_if<tenant::Event>(&event))
        if (const auto* gone = std::get_if<tenant::MountDisabled>(any))
          add_unmount(append, gone->id);
    return append;
  }

  void add_unmount(log::Append& append, const MountId& mount) const {
    const auto& tenant = snapshot_->keys->tenant();
    append.prefix_deletes.push_back(
        {log::Family::aggregates, log::secret_rows_prefix(tenant, mount)});
    for (const auto family : {log::Family::values, log::Family::keys, log::Family::listing})
      append.prefix_deletes.push_back({family, log::mount_prefix(tenant, mount)});
  }

  // Everything but the log goes; with the tenant's keys gone, nobody reads that either.
  void add_deletion(log::Append& append) {
    const auto& tenant = snapshot_->keys->tenant();
    for (const auto& accessor : dying_tokens_) {
      append.changes.push_back(deleted_row(log::Family::tokens, log::token_row(accessor.token)));
      services_.tokens.erase(accessor.token);
    }
    append.changes.push_back(deleted_row(log::Family::tenants, log::tenant_row(tenant)));
    const Bytes prefix(tenant.bytes.begin(), tenant.bytes.end());
    for (const auto family : {log::Family::aggregates, log::Family::values, log::Family::keys,
                              log::Family::listing, log::Family::accessors})
      append.prefix_deletes.push_back({family, prefix});
  }

  void finish_change(Result<api::Changed> result) {
    // Mount ids are never reused, so nothing can wake in a mount that is gone; a deleted tenant
    // stays closed until this actor is told to end.
    if (closing_ && !(result && closing_->is_zero())) secrets_.reopen(*closing_);
    closing_.reset();
    dying_tokens_.clear();
    if (!result) stats_->note_error(result.error().message);
    const auto done = changes_.front().done;
    changes_.pop_front();
    done(std::move(result));
    if (!changes_.empty()) start_change();
  }

  // `durable` runs on the log writer's thread after a success.
  void commit(log::Append append, std::function<void(const Result<void>&)> then,
              std::function<void()> durable = nullptr) {
    auto job = std::make_shared<AppendJob>();
    job->appends.push_back(std::move(append));
    job->done = [self = self_ref(), then = std::move(then),
                 durable = std::move(durable)](const Result<std::vector<log::Appended>>& result) {
      if (result && durable) durable();
      Result<void> outcome = result ? Result<void>{} : Result<void>{result.error()};
      self.send(std::make_shared<Resume>(Resume{[then, outcome] { then(outcome); }}));
    };
    services_.log_writer.send(std::move(job));
  }

  Services& services_;
  const DirectoryEntry entry_;
  ActorStatsPtr stats_;
  const SecretRouter::ResumeOwner resume_;
  SecretRouter secrets_;
  TokenDesk tokens_;
  IdentityDesk identities_;
  KeyRotation rotation_;
  TenantSnapshotPtr snapshot_;  // null until active
  bool counted_ = true;         // in Services::tenant_actors
  std::vector<Activated> waiting_;
  std::deque<ChangeTenant> changes_;         // the first one is under way
  std::optional<MountId> closing_;           // what the change under way has closed
  std::vector<AccessorEntry> dying_tokens_;  // of a deletion under way
  unsigned sweeps_ = 0;
};

}  // namespace

TenantRef spawn_tenant_actor(caf::local_actor& parent, Services& services,
                             const DirectoryEntry& entry, std::uint64_t parent_id) {
  auto stats = services.registry.add("tenant", entry.path, entry.id.to_string(), parent_id);
  auto actor = parent.system().spawn<TenantActor>(std::ref(services), entry, stats);
  return {std::move(actor), std::move(stats)};
}

}  // namespace coffer::actors
