// Tenants (namespaces), mounts and policies: changes through the tenant's or the system's actor.
#include "actors/vault_runtime.h"

namespace coffer::actors {
namespace {

void send_change(Services& services, const TenantId& tenant, ChangeTenant change) {
  auto request = std::make_shared<TenantRequest>();
  request->tenant = tenant;
  request->body = std::move(change);
  if (!services.partition.try_send(request, services.limits.mailbox_max))
    std::get<ChangeTenant>(request->body)
        .done.fail(ErrorCode::overloaded, "too many requests for this namespace");
}

api::NamespaceInfo info_of(const DirectoryEntry& entry, const TenantSnapshot& snapshot) {
  return {entry.id, entry.name + "/", snapshot.view.state.custom_metadata};
}

// A mount must not hide a child namespace.
Result<void> check_free(const Directory& directory, const TenantId& tenant,
                        std::string_view mount_path) {
  while (mount_path.starts_with('/')) mount_path.remove_prefix(1);
  const std::string first(mount_path.substr(0, mount_path.find('/')));
  if (!directory.child(tenant, first)) return {};
  return fail(ErrorCode::invalid_argument,
              "path is already in use at " + first + "/ (a namespace)");
}

Error unknown_namespace() {
  return fail(ErrorCode::not_found, "namespace not found");
}

}  // namespace

void VaultRuntime::change_tenant(api::AdmissionPtr admission, tenant::Command command,
                                 int success_status, api::Callback<api::Changed> done) {
  const auto id = gate_of(admission).snapshot->view.id;
  if (auto* mount = std::get_if<tenant::EnableMount>(&command)) {
    // Identity and accessor are random: they come from here, not from the caller.
    mount->id = random_id<MountId>(services_->random);
    mount->accessor_suffix = to_hex(BytesView(mount->id.bytes).first(4));
    const auto free = check_free(services_->directory, id, mount->path);
    if (!free) return done(free.error());
  } else if (const auto* move = std::get_if<tenant::MoveMount>(&command)) {
    const auto free = check_free(services_->directory, id, move->to);
    if (!free) return done(free.error());
  }
  send_change(*services_, id,
              ChangeTenant{admission, std::move(command), success_status,
                           Promise<api::Changed>(std::move(done))});
}

void VaultRuntime::change_policies(api::AdmissionPtr admission, policy::Command command,
                                   int success_status, api::Callback<api::Changed> done) {
  send_change(*services_, gate_of(admission).snapshot->view.id,
              ChangeTenant{admission, std::move(command), success_status,
                           Promise<api::Changed>(std::move(done))});
}

void VaultRuntime::create_namespace(api::AdmissionPtr admission, std::string name,
                                    tenant::TextMap custom_metadata,
                                    api::Callback<api::NamespaceInfo> done) {
  auto request = std::make_shared<SystemRequest>();
  request->body = CreateNamespace{admission, std::move(name), std::move(custom_metadata),
                                  Promise<api::NamespaceInfo>(std::move(done))};
  system_actor_.send(std::move(request));
}

void VaultRuntime::change_namespace(api::AdmissionPtr admission, std::string name,
                                    tenant::TextMap custom_metadata,
                                    api::Callback<api::NamespaceInfo> done) {
  const auto child = services_->directory.child(gate_of(admission).snapshot->view.id, name);
  if (!child) return done(unknown_namespace());
  // Written by the child's actor into the child's log; the access record is the caller's tenant's.
  send_change(
      *services_, *child,
      ChangeTenant{nullptr,
                   tenant::Command{tenant::ChangeTenantMetadata{std::move(custom_metadata)}}, 0,
                   Promise<api::Changed>([this, admission, name,
                                          done = std::move(done)](Result<api::Changed> changed) {
                     if (!changed) return done(std::move(changed).error());
                     find_namespace(admission, name, done);
                   })});
}

void VaultRuntime::delete_namespace(api::AdmissionPtr admission, std::string name,
                                    api::Callback<api::Changed> done) {
  const auto child = services_->directory.child(gate_of(admission).snapshot->view.id, name);
  if (!child) return done(api::Changed{.recorded = false});
  auto request = std::make_shared<SystemRequest>();
  request->body = DeleteNamespace{*child, Promise<api::Changed>(std::move(done))};
  system_actor_.send(std::move(request));
}

void VaultRuntime::find_namespace(api::AdmissionPtr admission, std::string name,
                                  api::Callback<api::NamespaceInfo> done) {
  const auto child = services_->directory.child(gate_of(admission).snapshot->view.id, name);
  const auto entry = child ? services_->directory.find(*child) : std::nullopt;
  if (!entry) return done(unknown_namespace());
  activate(entry->id, [entry = *entry, done = std::move(done)](Result<TenantSnapshotPtr> loaded) {
    if (!loaded) return done(std::move(loaded).error());
    done(info_of(entry, **loaded));
  });
}

namespace {

// Activates children one after the other, so that a long list does not load all tenants at once.
struct NamespaceWalk {
  std::vector<DirectoryEntry> entries;
  std::vector<api::NamespaceInfo> found;
  api::Callback<std::vector<api::NamespaceInfo>> done;
};

}  // namespace

void VaultRuntime::list_namespaces(api::AdmissionPtr admission,
                                   api::Callback<std::vector<api::NamespaceInfo>> done) {
  auto walk = std::make_shared<NamespaceWalk>();
  walk->entries = services_->directory.children(gate_of(admission).snapshot->view.id);
  walk->done = std::move(done);
  // Held by the callback under way only: a reference to itself would never end.
  struct Step {
    static void run(VaultRuntime* runtime, const std::shared_ptr<NamespaceWalk>& walk) {
      while (walk->found.size() < walk->entries.size()) {
        const auto& entry = walk->entries[walk->found.size()];
        if (const auto snapshot = runtime->services_->tenants.find(entry.id)) {
          walk->found.push_back(info_of(entry, *snapshot));
          continue;
        }
        return runtime->activate(entry.id, [runtime, walk](Result<TenantSnapshotPtr> loaded) {
          if (!loaded) return walk->done(std::move(loaded).error());
          walk->found.push_back(info_of(walk->entries[walk->found.size()], **loaded));
          run(runtime, walk);
        });
      }
      walk->done(std::move(walk->found));
    }
  };
  Step::run(this, walk);
}

bool VaultRuntime::sees_mount(const api::Admission& admission, std::string_view mount_path) const {
  const auto& gate = static_cast<const GateAdmission&>(admission);
  return gate.access && gate.access->any_access_below(gate.access_prefix + std::string(mount_path));
}

}  // namespace coffer::actors
