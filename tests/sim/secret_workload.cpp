// KV version 2 from several clients at once: every operation, on few paths.
#include <fmt/format.h>

#include "tests/sim/simulation.h"

namespace coffer::sim {
namespace {

// Value texts say which write they come from, so that a foreign or stale value is recognised.
std::string value_text(std::uint64_t serial) {
  return fmt::format("{{\"serial\":{}}}", serial);
}

Finish finish_of(const Error& error) {
  Finish finish;
  finish.error = error;
  switch (error.code) {
    case ErrorCode::cas_mismatch:
    case ErrorCode::cas_required:
    case ErrorCode::not_found:
      finish.answer = "refused";
      break;
    default:
      break;
  }
  return finish;
}

std::vector<VersionNumber> some_versions(testing::SeededRandom& random, VersionNumber last) {
  std::vector<VersionNumber> versions;
  for (std::uint64_t i = 0; i <= random.below(2); ++i) versions.push_back(random.below(last + 2));
  return versions;
}

std::string describe_state(const secret::SecretState& state) {
  auto text = fmt::format(
      "exists={} created={} updated={} last={} oldest={} max={} cas={} after={}", state.exists,
      state.created_time.ns, state.updated_time.ns, state.current_version, state.oldest_version,
      state.max_versions, state.cas_required, state.delete_version_after.count);
  for (const auto& [name, value] : state.custom_metadata)
    text += fmt::format(" {}={}", name, value);
  for (const auto& [number, version] : state.versions)
    text += fmt::format(" v{}[{} {} {}]", number, version.created_time.ns, version.deletion_time.ns,
                        version.destroyed);
  return text;
}

std::string read_answer(testing::KvModel& state, VersionNumber version, std::int64_t now) {
  const auto number = version == 0 ? state.last() : version;
  for (const auto& known : state.versions)
    if (known.number == number)
      return state.readable(number, now) ? value_text(known.value) : "no value";
  return "no value";
}

}  // namespace

NamespacePtr Simulation::any_namespace() {
  std::vector<NamespacePtr> usable;
  for (const auto& [path, space] : model_.namespaces)
    if (!space->gone && !space->unsure) usable.push_back(space);
  return usable[choice_.below(usable.size())];
}

// Mostly one that may work there; now and then any, which must not work elsewhere.
TokenPtr Simulation::any_token(const NamespaceModel& where) {
  if (choice_.below(3) > 0) return model_.tokens.front();
  const auto& token = model_.tokens[choice_.below(model_.tokens.size())];
  if (VaultModel::is_foreign(*token, where) && choice_.below(3) > 0) return model_.tokens.front();
  return token;
}

bool Simulation::is_busy(const MountModel& mount) const {
  return std::any_of(mount.secrets.begin(), mount.secrets.end(),
                     [](const auto& item) { return item.second.under_way() > 0; });
}

SimRequestPtr Simulation::secret_request() {
  const auto where = any_namespace();
  std::vector<MountPtr> mounts;
  for (const auto& [path, mount] : where->mounts)
    if (!mount->gone && !mount->unsure) mounts.push_back(mount);
  if (mounts.empty()) return nullptr;
  const auto mount = mounts[choice_.below(mounts.size())];
  const auto index = choice_.below(options_.paths);
  const auto name = index % 2 == 0 ? fmt::format("s{}", index) : fmt::format("a/b{}/s", index);
  auto& secret = mount->secret(name);
  // The search for an explaining order grows fast with what is open.
  if (secret.under_way() >= 3 || secret.lost() >= 3) return nullptr;
  auto request = make_request(any_token(*where), where, policy::Operation::read, mount->path);
  switch (choice_.below(10)) {
    case 0:
    case 1:
    case 2:
    case 3:
      add_write(request, mount, name);
      break;
    case 4:
      add_read(request, mount, name, choice_.below(secret.last_guess() + 2));
      break;
    case 5:
      add_read(request, mount, name, 0);
      break;
    case 6:
      add_state(request, mount, name);
      break;
    case 7:
      add_metadata(request, mount, name);
      break;
    default:
      add_deletion(request, mount, name);
  }
  return request;
}

// Lets the linearizer follow the request from its begin to its answer.
void Simulation::follow(const SimRequestPtr& request, const MountPtr& mount,
                        const std::string& name, Linearizer::Apply apply) {
  const int id = mount->secret(name).invoke(std::move(apply), world_.clock().now().ns);
  request->needs_mount = true;
  request->withdraw = [mount, name, id] { mount->secret(name).withdraw(id); };
  request->learn = [this, request = request.get(), mount, name, id](const Finish& finish) {
    auto& secret = mount->secret(name);
    const bool mount_may_be_gone =
        finish.error && (request->disturbed || mount->gone || mount->unsure);
    // The vault tells a client nothing about a version that another request destroys meanwhile.
    const bool raced = finish.error && finish.error->code == ErrorCode::not_found &&
                       request->operation == policy::Operation::read;
    if (finish.is_lost() || mount_may_be_gone || raced || mount->gone) return secret.lose(id);
    if (!secret.respond(id, finish.answer))
      violate(fmt::format("{}: the answer \"{}\" fits none of the possible states:{}",
                          request->what, finish.answer, secret.possible()));
  };
  request->what += fmt::format(" of {}{}{}", request->where->path, mount->path, name);
}

void Simulation::add_write(const SimRequestPtr& request, const MountPtr& mount,
                           const std::string& name) {
  const auto serial = ++serial_;
  const auto guess = mount->secret(name).last_guess();
  std::optional<std::uint64_t> cas;
  std::optional<VersionNumber> based_on;
  switch (choice_.below(5)) {
    case 0:
      cas = guess;
      break;
    case 1:
      cas = choice_.below(guess + 2);
      break;
    case 2:
      based_on = guess;
      break;
    default:
      break;
  }
  request->operation = based_on ? policy::Operation::patch : policy::Operation::update;
  request->path = mount->path + "data/" + name;
  request->what = fmt::format("write {} cas {} based on {}", serial, cas ? int(*cas) : -1,
                              based_on ? int(*based_on) : -1);
  request->run = [name, serial, cas, based_on](api::RequestPort& vault,
                                               const api::AdmissionPtr& admission, auto finish) {
    api::WriteSecret write{name, SecretBytes(std::string_view(value_text(serial))), cas, based_on};
    vault.write_secret(admission, std::move(write), 200, [finish](Result<api::SecretWritten> r) {
      if (!r) return finish(finish_of(r.error()));
      Finish out;
      out.recorded = r->recorded;
      out.answer = r->conflict ? "conflict" : fmt::format("v{}", r->number);
      finish(out);
    });
  };
  follow(request, mount, name, [=](testing::KvModel& state, std::int64_t now) -> std::string {
    if (based_on && *based_on != state.last()) return "conflict";
    const auto written = state.write(cas, based_on.has_value(), serial, now);
    return written ? fmt::format("v{}", *written) : "refused";
  });
}

void Simulation::add_read(const SimRequestPtr& request, const MountPtr& mount,
                          const std::string& name, VersionNumber version) {
  request->path = mount->path + "data/" + name;
  request->what = fmt::format("read v{}", version);
  request->run = [name, version](api::RequestPort& vault, const api::AdmissionPtr& admission,
                                 auto finish) {
    vault.read_secret(admission, name, version, [finish](Result<api::SecretRead> read) {
      if (!read) return finish(finish_of(read.error()));
      Finish out;
      out.answer = read->value ? std::string(read->value->expose_text()) : "no value";
      finish(out);
    });
  };
  follow(request, mount, name, [version](testing::KvModel& state, std::int64_t now) {
    return read_answer(state, version, now);
  });
}

void Simulation::add_state(const SimRequestPtr& request, const MountPtr& mount,
                           const std::string& name) {
  request->path = mount->path + "metadata/" + name;
  request->what = "metadata";
  request->run = [name](api::RequestPort& vault, const api::AdmissionPtr& admission, auto finish) {
    vault.secret_state(admission, name, [finish](Result<api::SecretStatePtr> state) {
      if (!state) return finish(finish_of(state.error()));
      Finish out;
      out.answer = describe_state(**state);
      finish(out);
    });
  };
  follow(request, mount, name,
         [](testing::KvModel& state, std::int64_t) { return describe(state); });
}

void Simulation::add_secret_change(const SimRequestPtr& request, const MountPtr& mount,
                                   const std::string& name, std::string prefix,
                                   secret::Command command, Linearizer::Apply apply) {
  request->path = mount->path + prefix + name;
  request->run = [name, command = std::move(command)](
                     api::RequestPort& vault, const api::AdmissionPtr& admission, auto finish) {
    vault.change_secret(admission, name, command, 204, [finish](Result<api::SecretChanged> r) {
      if (!r) return finish(finish_of(r.error()));
      Finish out;
      out.recorded = r->recorded;
      out.answer = "done";
      finish(out);
    });
  };
  follow(request, mount, name, std::move(apply));
}

void Simulation::add_deletion(const SimRequestPtr& request, const MountPtr& mount,
                              const std::string& name) {
  const auto versions = some_versions(choice_, mount->secret(name).last_guess());
  const auto each = [versions](auto change) {
    return [versions, change](testing::KvModel& state, std::int64_t now) -> std::string {
      for (const auto version : versions) change(state, version, now);
      return "done";
    };
  };
  request->operation = policy::Operation::update;
  switch (choice_.below(6)) {
    case 0:
      request->what = "delete";
      return add_secret_change(request, mount, name, "delete/", secret::DeleteVersions{versions},
                               each([](auto& s, auto v, auto now) { s.remove(v, now); }));
    case 1:
    case 2:
      request->what = "undelete";
      return add_secret_change(request, mount, name, "undelete/",
                               secret::UndeleteVersions{versions},
                               each([](auto& s, auto v, auto now) { s.restore(v, now); }));
    case 3:
      request->what = "destroy";
      return add_secret_change(request, mount, name, "destroy/", secret::DestroyVersions{versions},
                               each([](auto& s, auto v, auto) { s.destroy(v); }));
    case 4:
      request->operation = policy::Operation::remove;
      request->what = "remove";
      return add_secret_change(request, mount, name, "metadata/", secret::RemoveSecret{},
                               [](testing::KvModel& state, std::int64_t) {
                                 state.forget();
                                 return std::string("done");
                               });
    default:
      request->operation = policy::Operation::remove;
      request->what = "delete current";
      return add_secret_change(request, mount, name, "data/", secret::DeleteCurrentVersion{},
                               [](testing::KvModel& state, std::int64_t now) {
                                 state.remove(state.last(), now);
                                 return std::string("done");
                               });
  }
}

void Simulation::add_metadata(const SimRequestPtr& request, const MountPtr& mount,
                              const std::string& name) {
  secret::ChangeMetadata command;
  command.must_exist = choice_.below(4) == 0;
  switch (choice_.below(4)) {
    case 0:
      command.max_versions = static_cast<std::uint32_t>(choice_.below(4));
      break;
    case 1:
      command.cas_required = choice_.below(2) == 0;
      break;
    case 2:
      command.delete_version_after = Seconds{static_cast<std::int64_t>(choice_.below(40))};
      break;
    default:
      command.custom_metadata = secret::CustomMetadata{{"owner", fmt::format("o{}", ++serial_)}};
  }
  request->operation = command.must_exist ? policy::Operation::patch : policy::Operation::update;
  request->what = "change metadata";
  add_secret_change(request, mount, name, "metadata/", command,
                    [command](testing::KvModel& state, std::int64_t now) -> std::string {
                      if (command.must_exist && !state.exists) return "refused";
                      state.touch(now);
                      if (command.max_versions) state.max_versions = *command.max_versions;
                      if (command.cas_required) state.cas_required = *command.cas_required;
                      if (command.delete_version_after)
                        state.delete_after = command.delete_version_after->count;
                      if (command.custom_metadata) state.custom = *command.custom_metadata;
                      return "done";
                    });
}

}  // namespace coffer::sim
