// One vault over one opened log: HSM session, actors, Vault API. The embedded server has one for
// its life, a node of a cluster one for as long as it is the active one.
// Threads: handle() from any; the rest from the thread that made it.
#pragma once

#include <memory>

#include "actors/vault_runtime.h"
#include "hsm/pkcs11_key_service.h"
#include "net/vault_api/vault_api.h"
#include "tools/cofferd/config.h"
#include "tools/cofferd/server_metrics.h"
#include "tools/cofferd/token_files.h"

namespace coffer::server {

// What a node of a cluster wants to hear of its vault's seal (actors::SealOptions).
struct SealHooks {
  std::function<void(const codec::VaultRow&)> on_initialized;
  std::function<void()> on_sealed;
  std::function<void(const codec::VaultRow&)> on_row_changed;
};

// What the service counts with, and what else its pages of metrics show; both outlive it.
struct Observation {
  const Instruments& instruments;
  std::function<void(MetricsPage&)> surroundings;
};

[[nodiscard]] api::SealType seal_type_of(const Config& config);
// The initialised vault in the log, if there is one. Errors: corrupt.
[[nodiscard]] Result<std::optional<codec::VaultRow>> read_vault_row(const log::StateReader& log);
// Whether the HSM takes the PIN and has the root key. While no VaultService lives: a module serves
// one at a time. Errors: permission_denied (wrong PIN), unavailable, corrupt.
[[nodiscard]] Result<void> check_pin(const Config& config, const SecretBytes& pin,
                                     std::uint32_t root_epoch);

class VaultService {
 public:
  // All arguments outlive the service. Errors: what the HSM module, the token and the stored vault
  // say.
  [[nodiscard]] static Result<std::unique_ptr<VaultService>> open(
      const Config& config, const TokenFiles& token, const Clock& clock, Random& random,
      log::EventLog& log, net::VaultApiOptions api, Observation observation, SealHooks hooks = {});
  // Waits for what is in the log's queue; requests under way are answered as dropped.
  ~VaultService();

  // Automatic seal: initialises the vault if it is new and the configuration says so, then logs in.
  // Nothing with the Shamir seal.
  [[nodiscard]] Result<void> unseal_automatically();
  // Logs in; waits. Errors: as check_pin.
  [[nodiscard]] Result<void> unseal(SecretBytes pin);
  void handle(std::shared_ptr<net::HttpRequest> request, net::Responder respond) {
    api_->handle(std::move(request), std::move(respond));
  }
  // Once a second.
  void tick();

 private:
  VaultService(const Config& config, const TokenFiles& token, Random& random)
      : config_(config), token_(token), random_(random) {}

  const Config& config_;
  const TokenFiles& token_;
  Random& random_;
  std::shared_ptr<hsm::Pkcs11KeyService> keys_;
  std::unique_ptr<actors::RuntimeConfig> actor_config_;
  std::unique_ptr<caf::actor_system> actor_system_;
  std::unique_ptr<actors::VaultRuntime> runtime_;
  std::unique_ptr<net::VaultApi> api_;
  bool copied_ = false;  // the token's copy is up to date since the last unseal
};

}  // namespace coffer::server
