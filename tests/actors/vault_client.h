// A client of one simulated vault: starts operations and keeps their answers, so that a test says
// when the actors run.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "tests/support/vault_world.h"

namespace coffer::testing {

template <class T>
using Answer = std::shared_ptr<std::optional<Result<T>>>;

class VaultClient {
 public:
  explicit VaultClient(std::uint64_t seed = 1, actors::RuntimeOptions options = {})
      : world(seed, small(std::move(options))), root_(world.initialize()) {
    REQUIRE(world.unseal().ok());
  }

  api::AdmissionPtr admit(std::string path, policy::Operation operation,
                          std::string namespace_path = "") {
    return admit_as(root_, std::move(path), operation, std::move(namespace_path));
  }
  api::AdmissionPtr admit_as(const SecretBytes& token, std::string path,
                             policy::Operation operation, std::string namespace_path = "") {
    api::RequestHead head;
    head.request_id = "r" + std::to_string(++requests_);
    head.token = token.clone();
    head.namespace_path = std::move(namespace_path);
    head.operation = operation;
    head.path = std::move(path);
    head.remote_address = "192.0.2.1";
    api::AdmissionPtr admission;
    world.vault().admit(std::move(head),
                        [&](api::AdmissionPtr got) { admission = std::move(got); });
    if (!admission) world.settle();
    REQUIRE(admission != nullptr);
    return admission;
  }

  // Begins a write; settle() or step() lets it happen.
  Answer<api::SecretWritten> write(const std::string& name, const std::string& value,
                                   std::optional<std::uint64_t> cas = {},
                                   std::string namespace_path = "") {
    auto admission = admit("secret/data/" + name, policy::Operation::update, namespace_path);
    REQUIRE_FALSE(admission->refusal);
    auto answer = make_answer<api::SecretWritten>();
    api::WriteSecret request{name, SecretBytes(std::string_view(value)), cas, std::nullopt};
    world.vault().write_secret(admission, std::move(request), 200, keep(answer));
    return answer;
  }
  Answer<api::SecretRead> read(const std::string& name, std::string namespace_path = "") {
    auto admission = admit("secret/data/" + name, policy::Operation::read, namespace_path);
    auto answer = make_answer<api::SecretRead>();
    if (admission->refusal)
      *answer = Result<api::SecretRead>(*admission->refusal);
    else
      world.vault().read_secret(admission, name, 0, keep(answer));
    return answer;
  }
  // The current value, "" when there is none.
  std::string value(const std::string& name, std::string namespace_path = "") {
    auto answer = read(name, std::move(namespace_path));
    world.settle();
    REQUIRE(answer->has_value());
    if (!(*answer)->ok()) return "error: " + (*answer)->error().message;
    return (**answer)->value ? std::string((**answer)->value->expose_text()) : "";
  }
  void create_namespace(const std::string& name) {
    auto info = make_answer<api::NamespaceInfo>();
    world.vault().create_namespace(admit("sys/namespaces/" + name, policy::Operation::update), name,
                                   {}, keep(info));
    world.settle();
    REQUIRE((*info)->ok());
    tenant::EnableMount mount;
    mount.path = "secret/";
    mount.type = "kv";
    mount.options = {{"version", "2"}};
    auto changed = make_answer<api::Changed>();
    world.vault().change_tenant(admit("sys/mounts/secret", policy::Operation::update, name + "/"),
                                mount, 204, keep(changed));
    world.settle();
    REQUIRE((*changed)->ok());
  }
  Answer<api::Changed> seal() {
    auto answer = make_answer<api::Changed>();
    world.vault().seal(admit("sys/seal", policy::Operation::update), keep(answer));
    return answer;
  }
  std::size_t actors_of(const std::string& kind) {
    auto list = make_answer<std::vector<api::ActorInfo>>();
    world.vault().list_actors(nullptr, keep(list));
    std::size_t count = 0;
    for (const auto& actor : ***list) count += actor.kind == kind ? 1 : 0;
    return count;
  }

  template <class T>
  static Answer<T> make_answer() {
    return std::make_shared<std::optional<Result<T>>>();
  }
  template <class T>
  static api::Callback<T> keep(const Answer<T>& answer) {
    return [answer](Result<T> result) {
      CHECK_FALSE(answer->has_value());
      answer->emplace(std::move(result));
    };
  }

  VaultWorld world;

 private:
  static actors::RuntimeOptions small(actors::RuntimeOptions options) {
    options.locked_keys_max = 1024;
    return options;
  }
  SecretBytes root_;
  unsigned requests_ = 0;
};

}  // namespace coffer::testing
