// Initialisation, unseal and seal. Unsealing is logging in to the HSM token: the PIN comes from the
// platform (automatic) or out of k of n shares (Shamir); both end in the same HSM-held keys.
//
//   uninitialized ── initialize ──> sealed ── PIN or k shares ──> opening ──> active
//                                     ^───────── seal, or opening failed ────────┘
//
// Thread-safe; the HSM's part runs on the HSM worker.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "actors/services.h"
#include "actors/share_collector.h"

namespace coffer::actors {

struct SealOptions {
  api::SealType type = api::SealType::automatic;
  std::string cluster_name = "coffer";
  // What happened to the vault, said before whoever asked for it is answered. May be empty; called
  // from any thread.
  std::function<void(const codec::VaultRow&)> on_initialized;
  std::function<void()> on_sealed;
};

// What the key service port does not cover: making the token itself. Called on the HSM worker.
struct TokenSetup {
  std::function<Result<bool>()> token_present;
  std::function<Result<void>(const SecretBytes& so_pin, const SecretBytes& user_pin)> make_token;
};

// Stores the root token somewhere; runs on the HSM worker.
using KeepRootToken = std::function<Result<void>(const SecretBytes&)>;

class SealService {
 public:
  SealService(Services& services, TokenSetup setup, SealOptions options);

  // Reads whether the vault exists. Errors: corrupt store.
  Result<void> load();
  [[nodiscard]] bool active() const noexcept { return phase_ == Phase::active; }
  [[nodiscard]] api::ServiceStatus status() const;

  void initialize(const api::InitRequest& request, api::Callback<api::InitOutcome> done);
  // Embedded: with a secret/ mount, and a root token that is kept before anything is durable.
  void initialize_automatic(SecretBytes pin, KeepRootToken keep,
                            api::Callback<api::InitOutcome> done);
  void unseal_with_pin(SecretBytes pin, api::Callback<api::ServiceStatus> done);
  void add_share(SecretBytes share, api::Callback<api::ServiceStatus> done);
  [[nodiscard]] api::ServiceStatus reset();
  // Logs out and forgets every key; `done` when the HSM worker has.
  void seal(api::Callback<api::Changed> done);

 private:
  enum class Phase : std::uint8_t { uninitialized, initializing, sealed, opening, active };
  struct NewVault;

  Result<void> begin_initialize();
  void run_initialize(SecretBytes pin, codec::VaultRow row, KeepRootToken keep,
                      std::vector<SecretBytes> shares, api::Callback<api::InitOutcome> done);
  Result<NewVault> make_vault(hsm::KeyService& hsm, const SecretBytes& pin, codec::VaultRow row,
                              bool with_secret_mount);
  void append_vault(NewVault vault, Promise<api::InitOutcome> done);
  void open_with(SecretBytes pin, bool shamir, api::Callback<api::ServiceStatus> done);
  void open_when_at_rest(std::shared_ptr<SecretBytes> pin, bool shamir,
                         Promise<api::ServiceStatus> done, std::int64_t began_ns,
                         std::uint64_t attempt);
  void open_behind_fence(std::shared_ptr<SecretBytes> pin, bool shamir,
                         Promise<api::ServiceStatus> done);
  void try_open(hsm::KeyService& hsm, const SecretBytes& pin, bool shamir,
                const Promise<api::ServiceStatus>& done);
  void activate(const TenantId& tenant);
  Result<void> open(hsm::KeyService& hsm, const SecretBytes& pin);
  Result<void> load_directory(const TenantKeys& root);
  void set_problem(std::string problem);
  [[nodiscard]] codec::VaultRow vault_row() const;

  Services& services_;
  TokenSetup setup_;
  SealOptions options_;
  std::atomic<Phase> phase_ = Phase::uninitialized;
  mutable std::mutex mutex_;  // guards the rest
  codec::VaultRow row_;
  ShareCollector shares_;
  std::string problem_;
};

}  // namespace coffer::actors
