// Secrets: reads from published snapshots, changes through the secret's actor.
#include "actors/vault_runtime.h"

#include "actors/data_keys.h"
#include "events/log/state_keys.h"
#include "hsm/envelope_cipher.h"

namespace coffer::actors {
namespace {

Result<void> check_path(const Limits& limits, const std::string& path) {
  if (path.empty()) return fail(ErrorCode::not_found, "");
  if (path.size() > limits.secret_path_bytes_max)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the path is longer than {} bytes", limits.secret_path_bytes_max));
  return {};
}

}  // namespace

void VaultRuntime::send_secret_request(const GateAdmission& admission, SecretRequestPtr request) {
  if (!services_->try_deliver(admission.snapshot->link->ref(), request))
    std::visit(
        [](auto& body) {
          body.done.fail(ErrorCode::overloaded, "too many requests for this namespace");
        },
        request->body);
}

void VaultRuntime::with_secret(const GateAdmission& admission, const std::string& path,
                               SecretLoaded done) {
  if (auto checked = check_path(services_->limits, path); !checked) return done(checked.error());
  SecretKey key{admission.mount->id, path};
  if (auto snapshot = services_->secrets.find(key)) return done(std::move(snapshot));
  auto request = std::make_shared<SecretRequest>();
  request->key = std::move(key);
  request->body = LoadSecret{Promise<SecretSnapshotPtr>(std::move(done))};
  send_secret_request(admission, std::move(request));
}

void VaultRuntime::secret_state(api::AdmissionPtr admission, std::string path,
                                api::Callback<api::SecretStatePtr> done) {
  with_secret(gate_of(admission), path, [done = std::move(done)](Result<SecretSnapshotPtr> loaded) {
    if (!loaded) return done(std::move(loaded).error());
    done(api::SecretStatePtr(*loaded, &(*loaded)->state));
  });
}

void VaultRuntime::read_secret(api::AdmissionPtr admission, std::string path, VersionNumber version,
                               api::Callback<api::SecretRead> done) {
  const auto shared_path = std::make_shared<const std::string>(std::move(path));
  with_secret(gate_of(admission), *shared_path,
              [this, admission, shared_path, version,
               done = std::move(done)](Result<SecretSnapshotPtr> loaded) {
                if (!loaded) return done(std::move(loaded).error());
                const auto& snapshot = *loaded;
                const auto& state = snapshot->state;
                auto read = std::make_shared<api::SecretRead>();
                read->state = api::SecretStatePtr(snapshot, &state);
                read->now = services_->clock.now();
                const auto* found = state.find_version(version);
                if (found != nullptr)
                  read->version = version == 0 ? state.current_version : version;
                if (found == nullptr || found->destroyed || found->deleted_at(read->now))
                  return done(std::move(*read));
                const auto opened = [read, done](Result<SecretBytes> value) {
                  if (!value) return done(std::move(value).error());
                  read->value = std::move(*value);
                  done(std::move(*read));
                };
                const auto& gate = gate_of(admission);
                if (read->version == state.current_version)
                  return open_value(gate, *shared_path, read->version, found->data_key,
                                    snapshot->current_value, opened);
                auto request = std::make_shared<SecretRequest>();
                request->key = SecretKey{gate.mount->id, *shared_path};
                request->body = ReadValue{
                    read->version,
                    Promise<std::pair<SecretSnapshotPtr, Bytes>>(
                        [this, admission, shared_path, read, opened,
                         key = found->data_key](Result<std::pair<SecretSnapshotPtr, Bytes>> value) {
                          if (!value) return opened(std::move(value).error());
                          // Destroyed meanwhile: shown as such, from the state that says so.
                          if (value->second.empty()) {
                            return opened(fail(ErrorCode::not_found, ""));
                          }
                          open_value(gate_of(admission), *shared_path, read->version, key,
                                     value->second, opened);
                        })};
                send_secret_request(gate, std::move(request));
              });
}

void VaultRuntime::open_value(const GateAdmission& admission, const std::string& path,
                              VersionNumber version, const KeyId& key, BytesView sealed,
                              api::Callback<SecretBytes> done) {
  const auto keys = admission.snapshot->keys;
  const auto mount = admission.mount->id;
  auto aad = secret_value_aad(keys->tenant(), mount, path, version, key);
  // The usual read ends here, without a copy of the value.
  if (const auto cached = services_->data_keys.find(key))
    return done(hsm::open(cached->bytes(), aad, sealed));
  auto job = std::make_shared<HsmJob>();
  Promise<SecretBytes> promise(std::move(done));
  job->run = [&services = *services_, keys, mount, path, version, key, aad = std::move(aad),
              sealed = Bytes(sealed.begin(), sealed.end()), promise](hsm::KeyService& hsm) {
    auto plain = open_data_key(hsm, services, *keys, {mount, path, version}, key);
    if (!plain) return promise.fail(plain.error());
    auto opened = hsm::open(plain->expose(), aad, sealed);
    ignore_result(services.data_keys.insert(key, plain->expose()));  // a full arena only costs time
    promise(std::move(opened));
  };
  if (!services_->hsm.try_send(std::move(job), services_->limits.mailbox_max))
    promise.fail(ErrorCode::overloaded, "the HSM queue is full");
}

void VaultRuntime::write_secret(api::AdmissionPtr admission, api::WriteSecret request,
                                int success_status, api::Callback<api::SecretWritten> done) {
  if (auto checked = check_path(services_->limits, request.path); !checked)
    return done(checked.error());
  if (request.value.size() > services_->limits.value_bytes_max)
    return done(fail(ErrorCode::too_large, fmt::format("the secret's data is larger than {} bytes",
                                                       services_->limits.value_bytes_max)));
  const auto& gate = gate_of(admission);
  auto message = std::make_shared<SecretRequest>();
  message->key = SecretKey{gate.mount->id, request.path};
  message->body = WriteValue{admission, std::move(request), success_status,
                             Promise<api::SecretWritten>(std::move(done))};
  send_secret_request(gate, std::move(message));
}

void VaultRuntime::change_secret(api::AdmissionPtr admission, std::string path,
                                 secret::Command command, int success_status,
                                 api::Callback<api::SecretChanged> done) {
  if (auto checked = check_path(services_->limits, path); !checked) return done(checked.error());
  const auto& gate = gate_of(admission);
  // The place is the gate's to say, not the caller's.
  if (auto* metadata = std::get_if<secret::ChangeMetadata>(&command)) {
    metadata->mount = gate.mount->id;
    metadata->path = path;
  }
  auto message = std::make_shared<SecretRequest>();
  message->key = SecretKey{gate.mount->id, std::move(path)};
  message->body = ChangeSecret{admission, std::move(command), success_status,
                               Promise<api::SecretChanged>(std::move(done))};
  send_secret_request(gate, std::move(message));
}

void VaultRuntime::list_secrets(api::AdmissionPtr admission, std::string folder, std::string after,
                                std::size_t limit, api::Callback<std::vector<std::string>> done) {
  Promise<std::vector<std::string>> promise(std::move(done));
  auto job = std::make_shared<ReadJob>();
  job->run = [&services = *services_, admission, folder = std::move(folder),
              after = std::move(after), limit, promise] {
    const auto& gate = gate_of(admission);
    const auto& keys = *gate.snapshot->keys;
    const auto prefix = listing_folder(keys, gate.mount->id, folder);
    std::vector<std::string> names;
    Bytes at;
    while (true) {
      auto page = services.log.scan(log::Family::listing, prefix, at, 4096);
      if (!page) return promise.fail(page.error());
      if (page->empty()) break;
      for (const auto& row : *page) {
        auto name = keys.open(row.key, row.value);
        if (!name) return promise.fail(name.error());
        names.emplace_back(name->expose_text());
      }
      at = std::move(page->back().key);
    }
    std::sort(names.begin(), names.end());
    if (!after.empty())
      names.erase(names.begin(), std::upper_bound(names.begin(), names.end(), after));
    if (limit != 0 && names.size() > limit) names.resize(limit);
    promise(std::move(names));
  };
  if (!services_->reader.try_send(std::move(job), services_->limits.mailbox_max))
    promise.fail(ErrorCode::overloaded, "too many lists are under way");
}

}  // namespace coffer::actors
