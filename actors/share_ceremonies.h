// Key-share holders at work on an unsealed vault (api::KeyCeremonies): a new root token, new key
// shares. Each proves with enough shares that they give the PIN that has unsealed the vault.
//
// New shares are of a new unseal key, under which the same PIN is sealed in the vault's row. That
// row and the event of the change are one append: until it is durable the old shares count, from
// then on the new ones, and never both or neither. With verification the new shares are handed out
// before, so that a lost answer costs nothing.
//
// Thread-safe. Shares and keys are wiped when an attempt ends.
#pragma once

#include <mutex>
#include <optional>

#include "actors/seal_service.h"

namespace coffer::actors {

class ShareCeremonies final : public api::KeyCeremonies {
 public:
  // Both outlive this.
  ShareCeremonies(Services& services, SealService& seal) : services_(services), seal_(seal) {}

  // The vault is sealed: whatever is under way ends.
  void forget();

  Result<api::RootGeneration> root_generation() override;
  Result<api::RootGeneration> begin_root_generation(SecretBytes otp) override;
  Result<void> cancel_root_generation() override;
  void give_root_share(api::AdmissionPtr admission, SecretBytes share, const std::string& nonce,
                       Callback<api::RootGeneration> done) override;
  Result<api::RekeyProgress> rekey() override;
  Result<api::RekeyProgress> begin_rekey(const api::RekeyStart& start) override;
  Result<void> cancel_rekey() override;
  void give_rekey_share(api::AdmissionPtr admission, SecretBytes share, const std::string& nonce,
                        Callback<api::RekeyOutcome> done) override;
  Result<api::RekeyVerification> rekey_verification() override;
  Result<api::RekeyVerification> restart_rekey_verification() override;
  void verify_rekey_share(api::AdmissionPtr admission, SecretBytes share, const std::string& nonce,
                          Callback<api::RekeyVerification> done) override;

 private:
  struct RootAttempt {
    std::string nonce;
    SecretBytes otp;
    ShareCollector shares;
  };
  // New shares that were handed out and wait for their verification, or for the log.
  struct NewShares {
    codec::VaultRow row;
    SecretBytes unseal_key;
    std::string nonce;
    ShareCollector shares;
    bool appending = false;
  };
  struct RekeyAttempt {
    std::string nonce;
    api::RekeyStart wanted;
    ShareCollector shares;
    std::optional<NewShares> made;
  };

  [[nodiscard]] Result<codec::VaultRow> vault() const;
  [[nodiscard]] std::string new_nonce();
  // The bytes behind the PIN once enough shares are there. Errors: they are not the vault's.
  Result<std::optional<SecretBytes>> collect(ShareCollector& shares, SecretBytes share,
                                             const codec::VaultRow& row);
  [[nodiscard]] api::RootGeneration root_status(const codec::VaultRow& row) const;
  [[nodiscard]] api::RekeyProgress rekey_status(const codec::VaultRow& row) const;
  [[nodiscard]] api::RekeyVerification verification_status() const;
  [[nodiscard]] Result<void> check_rekey_nonce(const std::string& nonce) const;
  [[nodiscard]] Result<void> check_verification(const std::string& nonce) const;
  void issue_root_token(const api::AdmissionPtr& admission, SecretBytes otp,
                        api::RootGeneration outcome, Callback<api::RootGeneration> done);
  Result<std::vector<SecretBytes>> make_shares(const codec::VaultRow& row,
                                               const SecretBytes& pin_entropy);
  [[nodiscard]] Result<log::Append> build(const api::AdmissionPtr& admission,
                                          const codec::VaultRow& row) const;
  // Makes the new row the vault's. `done` on the log writer's thread.
  void append_row(const api::AdmissionPtr& admission, std::function<void(Result<void>)> done);
  void appended(const codec::VaultRow& row, bool durable);

  Services& services_;
  SealService& seal_;
  mutable std::mutex mutex_;  // guards the rest
  std::optional<RootAttempt> root_;
  std::optional<RekeyAttempt> rekey_;
};

}  // namespace coffer::actors
