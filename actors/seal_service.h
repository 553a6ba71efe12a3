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
  // Other key shares unseal the vault now.
  std::function<void(const codec::VaultRow&)> on_row_changed;
};

// The row of Family::meta that says which vault this is and what unseals it.
inline constexpr std::string_view kVaultRow = "vault";

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

  // The vault's row; sealed: it is not active.
  [[nodiscard]] Result<codec::VaultRow> row_when_active() const;
  // Whether it is the PIN that has unsealed the vault.
  [[nodiscard]] bool is_pin(const SecretBytes& pin) const;
  // After the new row became durable; on the log writer's thread.
  void replace_row(const codec::VaultRow& row);

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
  std::optional<Sha256> pin_digest_;  // of 32 random bytes' text, so it tells nobody the PIN
};

}  // namespace coffer::actors
