// Key ceremonies without keys: counts shares, and hands out made-up results. Any two shares do.
#pragma once

#include <optional>
#include <string>

#include "events/api/key_ceremonies.h"

namespace coffer::test {

class FakeCeremonies final : public api::KeyCeremonies {
 public:
  std::optional<Error> failure;  // of every call

  Result<api::RootGeneration> root_generation() override;
  Result<api::RootGeneration> begin_root_generation(SecretBytes otp) override;
  Result<void> cancel_root_generation() override;
  void give_root_share(AdmissionPtr admission, SecretBytes share, const std::string& nonce,
                       Callback<api::RootGeneration> done) override;
  Result<api::RekeyProgress> rekey() override;
  Result<api::RekeyProgress> begin_rekey(const api::RekeyStart& start) override;
  Result<void> cancel_rekey() override;
  void give_rekey_share(AdmissionPtr admission, SecretBytes share, const std::string& nonce,
                        Callback<api::RekeyOutcome> done) override;
  Result<api::RekeyVerification> rekey_verification() override;
  Result<api::RekeyVerification> restart_rekey_verification() override;
  void verify_rekey_share(AdmissionPtr admission, SecretBytes share, const std::string& nonce,
                          Callback<api::RekeyVerification> done) override;

 private:
  static constexpr unsigned kRequired = 2;
  api::RootGeneration root_status() const;

  bool root_started_ = false;
  unsigned root_shares_ = 0;
  api::RekeyProgress rekey_{};
  unsigned verifications_ = 0;
  unsigned verified_ = 0;
};

}  // namespace coffer::test
