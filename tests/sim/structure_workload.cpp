// Namespaces, mounts, mount settings and policies, while clients use them.
#include <fmt/format.h>

#include "tests/sim/simulation.h"

namespace coffer::sim {
namespace {

Finish finish_change(const Result<api::Changed>& changed) {
  Finish out;
  if (changed)
    out.recorded = changed->recorded;
  else
    out.error = changed.error();
  return out;
}

auto tenant_change(tenant::Command command) {
  return [command = std::move(command)](api::RequestPort& vault, const api::AdmissionPtr& admission,
                                        auto finish) {
    vault.change_tenant(admission, command, 204,
                        [finish](Result<api::Changed> changed) { finish(finish_change(changed)); });
  };
}

}  // namespace

// One at a time: what it does to the requests around it is judged, not a second one's order.
SimRequestPtr Simulation::structure_request() {
  for (const auto& request : under_way_)
    if (request->changes_structure) return nullptr;
  SimRequestPtr request;
  switch (choice_.below(4)) {
    case 0:
      request = namespace_request();
      break;
    case 1:
      request = policy_request();
      break;
    default:
      request = mount_request();
  }
  if (request) request->changes_structure = true;
  return request;
}

SimRequestPtr Simulation::namespace_request() {
  const auto parent = any_namespace();
  const auto name = fmt::format("n{}", choice_.below(2));
  const auto path = parent->path + name + "/";
  if (path.size() > 9) return nullptr;
  const auto found = model_.namespaces.find(path);
  for (const auto& request : under_way_)
    if (request->where->path.starts_with(path)) return nullptr;
  auto request = make_request(model_.tokens.front(), parent, policy::Operation::update,
                              "sys/namespaces/" + name);
  if (found == model_.namespaces.end()) {
    auto fresh = std::make_shared<NamespaceModel>();
    fresh->path = path;
    fresh->policies["default"] = {std::nullopt};
    request->what = "create namespace " + path;
    request->run = [name](api::RequestPort& vault, const api::AdmissionPtr& admission,
                          auto finish) {
      vault.create_namespace(admission, name, {}, [finish](Result<api::NamespaceInfo> info) {
        Finish out;
        if (!info) out.error = info.error();
        finish(out);
      });
    };
    request->learn = [this, fresh](const Finish& finish) {
      audit_.learn_tenants();
      if (finish.error && !finish.is_lost()) return;
      fresh->unsure = finish.is_lost();
      model_.namespaces[fresh->path] = fresh;
    };
    return request;
  }
  const auto space = found->second;
  if (space->unsure) return nullptr;
  request->operation = policy::Operation::remove;
  request->what = "delete namespace " + path;
  request->run = [name](api::RequestPort& vault, const api::AdmissionPtr& admission, auto finish) {
    vault.delete_namespace(admission, name, [finish](Result<api::Changed> changed) {
      finish(finish_change(changed));
    });
  };
  request->learn = [this, space](const Finish& finish) {
    if (finish.is_lost()) space->unsure = true;
    if (finish.error) return;
    space->gone = true;
    for (auto& [mount_path, mount] : space->mounts) mount->gone = true;
    // That it could be deleted proves that no child was there.
    std::erase_if(model_.namespaces, [&](const auto& item) {
      if (!item.first.starts_with(space->path)) return false;
      item.second->gone = true;
      return true;
    });
  };
  return request;
}

SimRequestPtr Simulation::mount_request() {
  const auto where = any_namespace();
  const std::string path = choice_.below(2) == 0 ? "kv/" : "team/kv/";
  const auto found = where->mounts.find(path);
  if (found != where->mounts.end() && choice_.below(3) > 0)
    return mount_settings_request(where, found->second);
  auto request = make_request(model_.tokens.front(), where, policy::Operation::update,
                              "sys/mounts/" + path.substr(0, path.size() - 1));
  if (found == where->mounts.end()) {
    for (const auto& other : under_way_)
      if (other->where == where) return nullptr;
    auto mount = std::make_shared<MountModel>();
    mount->path = path;
    request->what = "enable " + where->path + path;
    tenant::EnableMount enable;
    enable.path = path;
    enable.type = "kv";
    enable.options = {{"version", "2"}};
    request->run = tenant_change(enable);
    request->learn = [where, mount](const Finish& finish) {
      if (finish.error && !finish.is_lost()) return;
      mount->unsure = finish.is_lost();
      where->mounts[mount->path] = mount;
    };
    return request;
  }
  const auto mount = found->second;
  if (mount->unsure) return nullptr;
  request->operation = policy::Operation::remove;
  request->what = "disable " + where->path + path;
  request->run = tenant_change(tenant::DisableMount{path});
  request->learn = [where, mount](const Finish& finish) {
    if (finish.is_lost()) mount->unsure = true;
    if (finish.error) return;
    mount->gone = true;
    where->mounts.erase(mount->path);
  };
  return request;
}

// The settings decide about every write, so no secret of the mount is in use meanwhile.
SimRequestPtr Simulation::mount_settings_request(const NamespacePtr& where, const MountPtr& mount) {
  if (mount->unsure || is_busy(*mount)) return nullptr;
  for (const auto& [name, secret] : mount->secrets)
    if (secret.lost() > 0) return nullptr;
  tenant::ChangeMountSettings change;
  change.path = mount->path;
  auto wanted = mount->settings;
  switch (choice_.below(3)) {
    case 0:
      change.max_versions = wanted.max_versions = static_cast<std::uint32_t>(choice_.below(4));
      break;
    case 1:
      change.cas_required = wanted.cas_required = choice_.below(4) == 0;
      break;
    default:
      wanted.delete_version_after = Seconds{static_cast<std::int64_t>(choice_.below(60)) - 1};
      change.delete_version_after = wanted.delete_version_after;
  }
  auto request =
      make_request(model_.tokens.front(), where, policy::Operation::update, mount->path + "config");
  request->what = "tune " + where->path + mount->path;
  request->run = tenant_change(change);
  mount->unsure = true;
  request->withdraw = [mount] { mount->unsure = false; };
  request->learn = [mount, wanted](const Finish& finish) {
    if (finish.is_lost()) return;
    mount->unsure = false;
    if (finish.error) return;
    mount->settings = wanted;
    for (auto& [name, secret] : mount->secrets) secret.set_mount(wanted);
  };
  return request;
}

SimRequestPtr Simulation::policy_request() {
  const auto where = any_namespace();
  const auto name = fmt::format("p{}", choice_.below(3));
  auto& known =
      where->policies.try_emplace(name, std::set<std::optional<Grant>>{std::nullopt}).first->second;
  if (known.size() != 1) return nullptr;
  const auto before = *known.begin();
  std::optional<Grant> after;
  if (choice_.below(4) > 0) after = static_cast<Grant>(choice_.below(3));
  policy::Command command = policy::RemovePolicy{name};
  if (after) command = policy::WritePolicy{name, policy_text(*after)};
  auto request = make_request(model_.tokens.front(), where, policy::Operation::update,
                              "sys/policies/acl/" + name);
  request->what = fmt::format("policy {}{} = {}", where->path, name, after ? int(*after) : -1);
  known.insert(after);
  request->run = [command](api::RequestPort& vault, const api::AdmissionPtr& admission,
                           auto finish) {
    vault.change_policies(admission, command, 204, [finish](Result<api::Changed> changed) {
      finish(finish_change(changed));
    });
  };
  request->withdraw = [where, name, before] { where->policies[name] = {before}; };
  request->learn = [where, name, before, after](const Finish& finish) {
    if (finish.is_lost()) return;
    where->policies[name] = {finish.error ? before : after};
  };
  return request;
}

}  // namespace coffer::sim
