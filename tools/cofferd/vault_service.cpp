#include "tools/cofferd/vault_service.h"

#include <spdlog/spdlog.h>
#include <future>

#include "events/log/state_keys.h"
#include "tools/cofferd/data_folder.h"

namespace coffer::server {
namespace {

// A callback's result, waited for: start-up only.
template <class T>
class Waiter {
 public:
  [[nodiscard]] api::Callback<T> callback() {
    return [promise = promise_](Result<T> result) { promise->set_value(std::move(result)); };
  }
  [[nodiscard]] Result<T> wait() { return promise_->get_future().get(); }

 private:
  std::shared_ptr<std::promise<Result<T>>> promise_ = std::make_shared<std::promise<Result<T>>>();
};

actors::RuntimeOptions runtime_options(const Config& config) {
  actors::RuntimeOptions options;
  options.limits = config.limits;
  options.locked_keys_max = config.locked_keys_max;
  options.data_keys.entries_max = config.data_keys_max;
  options.data_keys.ttl = std::chrono::seconds(config.data_key_ttl_seconds);
  options.seal.type =
      config.seal_type == "shamir" ? api::SealType::shamir : api::SealType::automatic;
  options.seal.cluster_name = config.cluster_name;
  return options;
}

Result<bool> holds_vault(const log::EventLog& log) {
  const auto row = log.get(log::Family::meta, log::meta_row("vault"));
  if (!row) return row.error();
  return row->has_value();
}

// Before the module reads the token.
Result<void> mend_token(const log::EventLog& log, const TokenFiles& token) {
  COFFER_ASSIGN(const bool vault, holds_vault(log));
  if (!vault) {
    COFFER_ASSIGN(const bool aside, token.set_aside_unfinished());
    if (aside) spdlog::warn("set aside the token of an interrupted initialisation");
    return {};
  }
  COFFER_ASSIGN(const unsigned mended, token.mend());
  if (mended > 0) spdlog::warn("put back {} token files that a crash had cut short", mended);
  return {};
}

}  // namespace

Result<std::unique_ptr<VaultService>> VaultService::open(const Config& config,
                                                         const TokenFiles& token,
                                                         const Clock& clock, Random& random,
                                                         log::EventLog& log,
                                                         net::VaultApiOptions api) {
  COFFER_TRY(mend_token(log, token));
  std::unique_ptr<VaultService> service(new VaultService(config, token, random));
  hsm::Pkcs11Options options;
  options.module_path = config.hsm_module;
  options.token_label = config.hsm_token_label;
  options.tenant_keys_max = config.hsm_tenant_keys_max;
  options.keep_pin = config.seal_type == "auto";
  COFFER_ASSIGN(auto keys, hsm::Pkcs11KeyService::open(options));
  service->keys_ = std::move(keys);
  service->actor_config_ =
      std::make_unique<actors::RuntimeConfig>(static_cast<unsigned>(config.scheduler_threads));
  service->actor_system_ = std::make_unique<caf::actor_system>(*service->actor_config_);
  const actors::TokenSetup setup{
      [keys = service->keys_] { return keys->token_present(); },
      [keys = service->keys_](const SecretBytes& so_pin, const SecretBytes& user_pin) {
        return keys->initialize_token(so_pin, user_pin);
      }};
  COFFER_ASSIGN(service->runtime_,
                actors::VaultRuntime::create(*service->actor_system_, clock, random, log,
                                             service->keys_, setup, runtime_options(config)));
  if (!service->runtime_->warning().empty()) spdlog::warn("{}", service->runtime_->warning());
  service->api_ = std::make_unique<net::VaultApi>(*service->runtime_, random, std::move(api));
  return service;
}

VaultService::~VaultService() {
  // The API is held by requests under way, which end with the runtime.
  runtime_.reset();
  api_.reset();
  actor_system_.reset();
}

Result<void> VaultService::unseal_automatically() {
  if (config_.seal_type != "auto") return {};
  if (!runtime_->status().initialized) {
    if (!config_.auto_init) {
      spdlog::warn("the vault is not initialised and embedded.auto_init is off");
      return {};
    }
    COFFER_ASSIGN(auto pin, load_pin(config_, random_));
    Waiter<api::InitOutcome> initialized;
    const auto path = config_.data_dir + "/root-token";
    runtime_->initialize_embedded(
        std::move(pin),
        [path](const SecretBytes& root) { return write_private_file(path, root.expose()); },
        initialized.callback());
    COFFER_ASSIGN(const auto outcome, initialized.wait());
    static_cast<void>(outcome);
    spdlog::info("initialised a new vault; its root token is in {}", path);
  }
  COFFER_ASSIGN(auto pin, load_pin(config_, random_));
  Waiter<api::ServiceStatus> opened;
  runtime_->unseal_with_pin(std::move(pin), opened.callback());
  auto status = opened.wait();
  if (!status) return std::move(status).error();
  copied_ = true;
  return token_.keep_copy();
}

void VaultService::tick() {
  runtime_->tick();
  const bool sealed = runtime_->status().sealed;
  if (!sealed && !copied_) {
    if (const auto kept = token_.keep_copy(); !kept) spdlog::error("{}", kept.error().message);
  }
  copied_ = !sealed;
}

}  // namespace coffer::server
