#include "tools/cofferd/vault_service.h"

#include <spdlog/spdlog.h>
#include <future>

#include "events/log/state_keys.h"
#include "tools/cofferd/data_folder.h"
#include "tools/cofferd/logging.h"

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
  options.seal.type = seal_type_of(config);
  options.seal.cluster_name = config.cluster_name;
  return options;
}

// Before the module reads the token.
Result<void> mend_token(const log::EventLog& log, const TokenFiles& token) {
  COFFER_ASSIGN(const auto vault, read_vault_row(log));
  if (!vault) {
    COFFER_ASSIGN(const bool aside, token.set_aside_unfinished());
    if (aside) spdlog::warn("set aside the token of an interrupted initialisation");
    return {};
  }
  COFFER_ASSIGN(const unsigned mended, token.mend());
  if (mended > 0) spdlog::warn("put back {} token files that a crash had cut short", mended);
  return {};
}

hsm::Pkcs11Options hsm_options(const Config& config) {
  hsm::Pkcs11Options options;
  options.module_path = config.hsm_module;
  options.token_label = config.hsm_token_label;
  options.tenant_keys_max = config.hsm_tenant_keys_max;
  // A node of a cluster keeps the PIN as long as it is unsealed, whatever the seal.
  options.keep_pin = config.seal_type == "auto" || config.store_engine == "kafka";
  return options;
}

}  // namespace

api::SealType seal_type_of(const Config& config) {
  return config.seal_type == "shamir" ? api::SealType::shamir : api::SealType::automatic;
}

Result<std::optional<codec::VaultRow>> read_vault_row(const log::StateReader& log) {
  COFFER_ASSIGN(const auto stored, log.get(log::Family::meta, log::meta_row("vault")));
  if (!stored) return std::optional<codec::VaultRow>();
  COFFER_ASSIGN(auto row, codec::decode_vault_row(*stored));
  return std::optional<codec::VaultRow>(std::move(row));
}

Result<void> check_pin(const Config& config, const SecretBytes& pin, std::uint32_t root_epoch) {
  auto options = hsm_options(config);
  options.keep_pin = false;
  COFFER_ASSIGN(const auto keys, hsm::Pkcs11KeyService::open(options));
  COFFER_TRY(keys->login(pin));
  auto checked = keys->check_root_key(root_epoch);
  keys->logout();
  return checked;
}

Result<std::unique_ptr<VaultService>> VaultService::open(
    const Config& config, const TokenFiles& token, const Clock& clock, Random& random,
    log::EventLog& log, net::VaultApiOptions api, Observation observation, SealHooks hooks) {
  COFFER_TRY(mend_token(log, token));
  std::unique_ptr<VaultService> service(new VaultService(config, token, random));
  COFFER_ASSIGN(auto keys, hsm::Pkcs11KeyService::open(hsm_options(config)));
  service->keys_ = std::move(keys);
  service->actor_config_ =
      std::make_unique<actors::RuntimeConfig>(static_cast<unsigned>(config.scheduler_threads));
  service->actor_system_ = std::make_unique<caf::actor_system>(*service->actor_config_);
  const actors::TokenSetup setup{
      [keys = service->keys_] { return keys->token_present(); },
      [keys = service->keys_](const SecretBytes& so_pin, const SecretBytes& user_pin) {
        return keys->initialize_token(so_pin, user_pin);
      }};
  auto runtime = runtime_options(config);
  runtime.seal.on_initialized = std::move(hooks.on_initialized);
  runtime.seal.on_sealed = std::move(hooks.on_sealed);
  runtime.seal.on_row_changed = std::move(hooks.on_row_changed);
  runtime.instruments = observation.instruments.actors;
  COFFER_ASSIGN(service->runtime_, actors::VaultRuntime::create(
                                       *service->actor_system_, clock, random, log,
                                       std::make_shared<hsm::MeteredKeyService>(
                                           service->keys_, observation.instruments.keys, clock),
                                       setup, std::move(runtime)));
  if (!service->runtime_->warning().empty()) spdlog::warn("{}", service->runtime_->warning());
  api.report_failure = &log_failure;
  api.requests = observation.instruments.requests;
  api.unauthenticated_metrics = config.unauthenticated_metrics;
  api.metrics = [runtime = service->runtime_.get(), observation] {
    MetricsPage page;
    observation.surroundings(page);
    add_runtime(page, runtime->readings());
    return page.text();
  };
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
  return unseal(std::move(pin));
}

Result<void> VaultService::unseal(SecretBytes pin) {
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
