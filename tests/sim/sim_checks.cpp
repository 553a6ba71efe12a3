// The vault at rest against the model: every answer it can give.
#include <fmt/format.h>

#include "tests/sim/simulation.h"

namespace coffer::sim {

void Simulation::come_to_rest() {
  checking_ = true;
  world_.keys().repair();
  world_.settle();
  if (!under_way_.empty()) violate("no answer: " + under_way_.front()->what);
  if (crash_ || log_refuses_) {
    crash_process(crash_.value_or(log::LastBatch::lost));
    checking_ = true;
  }
  if (world_.vault().status().sealed) {
    const auto status = world_.unseal();
    if (!status || status->sealed) violate("cannot unseal");
  }
  sealed_ = false;
  for (auto& [path, space] : model_.namespaces)
    for (auto& [mount_path, mount] : space->mounts)
      for (auto& [name, secret] : mount->secrets) secret.settle_lost();
  // Longer than any quarantine after crashes.
  if (options_.actor_crash_permille > 0) world_.advance(std::chrono::seconds(301));
  world_.settle();
  finish_rotations();
}

void Simulation::check() {
  ++checks_;
  note("check");
  come_to_rest();
  at_rest_ = true;
  if (!violation_) check_keys();
  if (!violation_) check_namespaces();
  const auto spaces = model_.namespaces;
  for (const auto& [path, space] : spaces)
    if (!violation_) check_tenant(space);
  if (!violation_) check_tokens();
  if (!violation_) check_chains();
  checking_ = at_rest_ = false;
}

void Simulation::check_namespaces() {
  const auto spaces = model_.namespaces;  // parents before children
  for (const auto& [path, space] : spaces) {
    if (space->gone || violation_) continue;
    auto names = std::make_shared<std::set<std::string>>();
    ask(space, policy::Operation::list, "sys/namespaces",
        [names](api::RequestPort& vault, const api::AdmissionPtr& admission, auto finish) {
          vault.list_namespaces(admission,
                                [names, finish](Result<std::vector<api::NamespaceInfo>> list) {
                                  Finish out;
                                  if (!list) return finish((out.error = list.error(), out));
                                  for (const auto& info : *list) names->insert(info.path);
                                  finish(out);
                                });
        });
    for (const auto& [child_path, child] : spaces) {
      if (!child_path.starts_with(path) || child_path == path) continue;
      const auto name = child_path.substr(path.size());
      if (name.find('/') != name.size() - 1) continue;
      const bool there = names->erase(name) > 0;
      if (!there && !child->unsure) violate("namespace " + child_path + " is gone");
      child->unsure = false;
      if (there) continue;
      // With it goes what may have been below it.
      std::erase_if(model_.namespaces, [&](const auto& item) {
        if (!item.first.starts_with(child_path)) return false;
        item.second->gone = true;
        for (auto& [mount_path, mount] : item.second->mounts) mount->gone = true;
        return true;
      });
    }
    if (!names->empty()) violate("namespace that nobody created: " + path + *names->begin());
  }
}

void Simulation::check_tenant(const NamespacePtr& where) {
  const auto view = std::make_shared<std::shared_ptr<const api::TenantView>>();
  ask(where, policy::Operation::read, "sys/mounts",
      [view](api::RequestPort&, const api::AdmissionPtr& admission, auto finish) {
        *view = admission->tenant;
        finish(Finish{});
      });
  if (violation_ || !*view) return;
  check_mounts(where, (*view)->state);
  check_policies(where, (*view)->policies);
  const auto mounts = where->mounts;
  for (const auto& [path, mount] : mounts) {
    if (!violation_) check_secrets(where, mount);
    if (!violation_) check_listing(where, mount);
  }
}

void Simulation::check_mounts(const NamespacePtr& where, const tenant::TenantState& state) {
  const auto mounts = where->mounts;
  for (const auto& [path, mount] : mounts) {
    const auto found = state.mounts.find(path);
    if (found == state.mounts.end()) {
      if (!mount->unsure) violate("mount " + where->path + path + " is gone");
      mount->gone = true;
      where->mounts.erase(path);
      continue;
    }
    if (!mount->unsure && found->second.settings != mount->settings)
      violate("mount " + where->path + path + " has other settings");
    mount->unsure = false;
    mount->settings = found->second.settings;
    for (auto& [name, secret] : mount->secrets) secret.set_mount(mount->settings);
  }
  for (const auto& [path, mount] : state.mounts)
    if (!where->mounts.contains(path)) violate("mount that nobody enabled: " + where->path + path);
}

void Simulation::check_policies(const NamespacePtr& where, const policy::PolicySet& policies) {
  for (auto& [name, grants] : where->policies) {
    if (name == "default") continue;
    std::optional<Grant> actual;
    if (const auto found = policies.texts.find(name); found != policies.texts.end())
      for (const auto grant : {Grant::everything, Grant::reading, Grant::nothing})
        if (found->second == policy_text(grant)) actual = grant;
    if (!grants.contains(actual)) violate("policy " + where->path + name + " is another one");
    grants = {actual};
  }
}

void Simulation::check_secrets(const NamespacePtr& where, const MountPtr& mount) {
  const auto read = [&](auto add) {
    auto request = make_request(model_.tokens.front(), where, policy::Operation::read, mount->path);
    add(request);
    start(request);
    world_.settle();
    if (!request->done) violate("no answer: " + request->what);
  };
  for (auto& [name, secret] : mount->secrets) {
    if (violation_) return;
    read([&](const auto& request) { add_state(request, mount, name); });
    const auto last = secret.last_guess();
    for (VersionNumber version = 0; version <= last + 1 && !violation_; ++version)
      read([&](const auto& request) { add_read(request, mount, name, version); });
  }
}

void Simulation::check_listing(const NamespacePtr& where, const MountPtr& mount) {
  std::map<std::string, std::set<std::string>> expected{{"", {}}};
  for (const auto& [name, secret] : mount->secrets) {
    const auto exists = secret.exists();
    if (!exists) return;
    for (std::size_t at = 0; at < name.size();) {
      const auto slash = name.find('/', at);
      const auto end = slash == std::string::npos ? name.size() : slash + 1;
      auto& folder = expected[name.substr(0, at)];
      if (*exists) folder.insert(name.substr(at, end - at));
      at = end;
    }
  }
  for (const auto& [folder, names] : expected) {
    auto listed = std::make_shared<std::vector<std::string>>();
    ask(where, policy::Operation::list, mount->path + "metadata/" + folder,
        [listed, folder = folder](api::RequestPort& vault, const api::AdmissionPtr& admission,
                                  auto finish) {
          vault.list_secrets(admission, folder, "", 0,
                             [listed, finish](Result<std::vector<std::string>> list) {
                               Finish out;
                               if (!list) return finish((out.error = list.error(), out));
                               *listed = *list;
                               finish(out);
                             });
        });
    if (*listed != std::vector<std::string>(names.begin(), names.end()))
      violate(fmt::format("list of {}{}{} has {} names, not {}", where->path, mount->path, folder,
                          listed->size(), names.size()));
  }
}

void Simulation::check_tokens() {
  for (const auto& token : model_.tokens) {
    if (violation_) return;
    if (token == model_.tokens.front()) continue;
    check_token(token);
  }
}

void Simulation::check_token(const TokenPtr& token) {
  if (token->home->gone) {
    auto request = make_request(token, model_.namespaces.at(""), policy::Operation::read,
                                "auth/token/lookup-self");
    request->what = "use of a token of a deleted namespace";
    request->run = [](api::RequestPort&, const api::AdmissionPtr&, auto finish) {
      finish(Finish{});
    };
    request->learn = [this](const Finish&) { violate("a token outlived its namespace"); };
    start(request);
    return world_.settle();
  }
  auto found = std::make_shared<std::optional<api::TokenFound>>();
  const auto text = std::make_shared<SecretBytes>(token->text.clone());
  ask(token->home, policy::Operation::update, "auth/token/lookup",
      [found, text](api::RequestPort& vault, const api::AdmissionPtr& admission, auto finish) {
        api::TokenReference reference;
        reference.token = text->clone();
        vault.find_token(admission, std::move(reference),
                         [found, finish](Result<api::TokenFound> answer) {
                           Finish out;
                           if (answer)
                             *found = std::move(*answer);
                           else if (!is_callers_mistake(answer.error().code))
                             out.error = answer.error();
                           finish(out);
                         });
      });
  const bool live = token->live(world_.clock().now());
  const bool limited = token->state.num_uses > 0;
  if (!token->any_unsure() && !limited && live != found->has_value())
    return violate(fmt::format("token {} is {}", token->accessor, live ? "dead" : "alive"));
  if (!*found) return;
  const auto& state = (*found)->state;
  if (limited && state.uses_left + token->uses_tried < token->state.num_uses)
    return violate("a token lost uses that nobody made: " + token->accessor);
  if (limited && state.uses_left + token->uses_done > token->state.num_uses)
    return violate("a token has uses that it spent: " + token->accessor);
  auto known = token->state;
  known.uses_left = state.uses_left;
  if (!token->unsure && known != state)
    return violate("token " + token->accessor + " has another state");
  token->unsure = false;
  token->state = state;
}

void Simulation::check_chains() {
  for (const auto& [path, space] : model_.namespaces) {
    auto report = std::make_shared<api::ChainReport>();
    ask(space, policy::Operation::read, "sys/events/verify",
        [report](api::RequestPort& vault, const api::AdmissionPtr& admission, auto finish) {
          vault.verify_chain(admission, [report, finish](Result<api::ChainReport> answer) {
            Finish out;
            if (!answer) return finish((out.error = answer.error(), out));
            *report = std::move(*answer);
            finish(out);
          });
        });
    if (report->problem) violate(path + ": " + *report->problem);
  }
  if (violation_) return;
  if (auto wrong = audit_.check()) violate(std::move(*wrong));
}

}  // namespace coffer::sim
