#include "actors/system_actor.h"

#include <deque>

#include "actors/admission.h"
#include "actors/tenant_opening.h"
#include "events/log/state_keys.h"

namespace coffer::actors {
namespace {

constexpr std::size_t kWaitingMax = 1000;
constexpr std::size_t kNamespaceDepthMax = 8;
constexpr std::size_t kNamespacePathBytesMax = 1024;

class SystemActor final : public caf::event_based_actor {
 public:
  SystemActor(caf::actor_config& config, Services& services, ActorStatsPtr stats)
      : caf::event_based_actor(config), services_(services), stats_(std::move(stats)) {}

  caf::behavior make_behavior() override {
    return {
        [this](const SystemRequestPtr& request) {
          const BusyScope busy(*stats_);
          if (waiting_.size() >= kWaitingMax) {
            return std::visit(
                [](auto& body) {
                  body.done.fail(ErrorCode::overloaded, "too many namespace changes wait");
                },
                request->body);
          }
          waiting_.push_back(request);
          if (waiting_.size() == 1) start();
        },
        [this](const ResumePtr& resume) {
          const BusyScope busy(*stats_);
          resume->run();
        },
    };
  }

 private:
  void start() {
    std::visit([this](auto& body) { run(body); }, waiting_.front()->body);
  }

  void next() {
    waiting_.pop_front();
    if (!waiting_.empty()) start();
  }

  template <class T>
  void refuse(const Promise<T>& done, Error error) {
    done.fail(std::move(error));
    next();
  }

  Result<void> check_new(const GateAdmission& admission, const std::string& name) const {
    COFFER_TRY(tenant::check_tenant_name(name));
    const auto& parent = admission.snapshot->view;
    if (services_.directory.child(parent.id, name))
      return fail(ErrorCode::already_exists, "namespace already exists");
    const auto depth = std::count(parent.path.begin(), parent.path.end(), '/') + 1;
    if (static_cast<std::size_t>(depth) > kNamespaceDepthMax ||
        parent.path.size() + name.size() + 1 > kNamespacePathBytesMax)
      return fail(ErrorCode::invalid_argument, "namespaces are nested too deeply");
    for (const auto& [path, mount] : parent.state.mounts)
      if (path.starts_with(name + "/"))
        return fail(ErrorCode::invalid_argument, "path is already in use at " + path);
    return {};
  }

  void run(CreateNamespace& request) {
    auto& admission = gate_of(request.admission);
    if (auto checked = check_new(admission, request.name); !checked)
      return refuse(request.done, checked.error());
    auto job = std::make_shared<HsmJob>();
    const auto id = random_id<TenantId>(services_.random);
    job->run = [this, self = self_ref(), &services = services_, id](hsm::KeyService& hsm) {
      auto made = std::make_shared<Result<NewTenantKeys>>(
          make_tenant_keys(hsm, services, id, services.root_epoch));
      self.send(std::make_shared<Resume>(Resume{[this, made] { append_new(*made); }}));
    };
    services_.hsm.send(std::move(job));
  }

  void append_new(Result<NewTenantKeys>& made) {
    auto& request = std::get<CreateNamespace>(waiting_.front()->body);
    if (!made) return refuse(request.done, made.error());
    auto& admission = gate_of(request.admission);
    const auto parent = services_.directory.find(admission.snapshot->view.id);
    const auto root = services_.root_keys();
    if (!parent || !root) return refuse(request.done, fail(ErrorCode::sealed, "Vault is sealed"));
    auto built = build_new_tenant(*made, *root, services_, *parent, request.name,
                                  request.custom_metadata, false);
    if (!built) return refuse(request.done, built.error());
    auto job = std::make_shared<AppendJob>();
    job->appends.push_back(std::move(built->append));
    job->done = [this, self = self_ref(),
                 entry = built->entry](const Result<std::vector<log::Appended>>& result) {
      Result<void> outcome = result ? Result<void>{} : Result<void>{result.error()};
      self.send(
          std::make_shared<Resume>(Resume{[this, entry, outcome] { created(entry, outcome); }}));
    };
    services_.log_writer.send(std::move(job));
  }

  void created(const DirectoryEntry& entry, const Result<void>& outcome) {
    auto& request = std::get<CreateNamespace>(waiting_.front()->body);
    if (!outcome) return refuse(request.done, outcome.error());
    services_.directory.add(entry);
    request.done(api::NamespaceInfo{entry.id, entry.name + "/", request.custom_metadata});
    next();
  }

  void run(DeleteNamespace& request) {
    const bool has_children = !services_.directory.children(request.tenant).empty();
    auto change = std::make_shared<TenantRequest>();
    change->tenant = request.tenant;
    change->body = ChangeTenant{
        nullptr, tenant::Command{tenant::DeleteTenant{has_children}}, 0,
        Promise<api::Changed>([this, self = self_ref()](Result<api::Changed> result) {
          auto shared = std::make_shared<Result<api::Changed>>(std::move(result));
          self.send(std::make_shared<Resume>(Resume{[this, shared] { deleted(*shared); }}));
        })};
    services_.partition.send(std::move(change));
  }

  void deleted(Result<api::Changed>& result) {
    if (result || is_callers_mistake(result.error().code)) return finish_deletion(result);
    // The tenant's actor may have ended with its append under way. The log writer answers in order,
    // so behind an empty append the store tells what became of it.
    auto job = std::make_shared<AppendJob>();
    auto shared = std::make_shared<Result<api::Changed>>(std::move(result));
    job->done = [this, self = self_ref(), shared](const auto&) {
      self.send(std::make_shared<Resume>(Resume{[this, shared] {
        auto& request = std::get<DeleteNamespace>(waiting_.front()->body);
        const auto row = services_.log.get(log::Family::tenants, log::tenant_row(request.tenant));
        if (row && !*row) *shared = api::Changed{.recorded = false};
        finish_deletion(*shared);
      }}));
    };
    services_.log_writer.send(std::move(job));
  }

  void finish_deletion(Result<api::Changed>& result) {
    auto& request = std::get<DeleteNamespace>(waiting_.front()->body);
    if (result) {
      result->recorded = false;  // the child's log has the event, nobody's has the request yet
      forget_key(request.tenant);
      services_.directory.remove(request.tenant);
      services_.partition.send(std::make_shared<DropTenants>(DropTenants{request.tenant}));
      services_.tenants.erase(request.tenant);
      services_.tenant_key_rings.erase(request.tenant);
      services_.rewraps.erase(request.tenant);
    }
    request.done(std::move(result));
    next();
  }

  // The HSM still holds the unwrapped tenant key as a session object.
  void forget_key(const TenantId& tenant) {
    const auto entry = services_.directory.find(tenant);
    if (!entry) return;
    auto job = std::make_shared<HsmJob>();
    job->run = [&services = services_, keyring = entry->row.keyring](hsm::KeyService& hsm) {
      hsm.unload_tenant_key(keyring.tenant_key.id);
      services.key_use.forget(keyring.tenant_key.id);
      if (!keyring.retiring) return;
      hsm.unload_tenant_key(keyring.retiring->key.id);
      services.key_use.forget(keyring.retiring->key.id);
    };
    services_.hsm.send(std::move(job));
  }

  SystemRef self_ref() { return {caf::actor_cast<caf::actor>(this), stats_}; }

  Services& services_;
  ActorStatsPtr stats_;
  std::deque<SystemRequestPtr> waiting_;  // the first one is under way
};

}  // namespace

SystemRef spawn_system_actor(caf::actor_system& system, Services& services, ActorStatsPtr stats) {
  auto actor = system.spawn<SystemActor>(std::ref(services), stats);
  return {std::move(actor), std::move(stats)};
}

}  // namespace coffer::actors
