#include "tests/api/fake_ceremonies.h"

namespace coffer::test {
namespace {

Error invalid(const char* text) {
  return fail(ErrorCode::invalid_argument, text);
}

}  // namespace

api::RootGeneration FakeCeremonies::root_status() const {
  api::RootGeneration status;
  status.started = root_started_;
  status.nonce = root_started_ ? "root-nonce" : "";
  status.progress = root_shares_;
  status.required = kRequired;
  return status;
}

Result<api::RootGeneration> FakeCeremonies::root_generation() {
  if (failure) return *failure;
  return root_status();
}

Result<api::RootGeneration> FakeCeremonies::begin_root_generation(SecretBytes otp) {
  if (failure) return *failure;
  root_started_ = true;
  root_shares_ = 0;
  auto status = root_status();
  if (otp.empty()) status.otp = SecretBytes(std::string_view("made-up-otp"));
  return status;
}

Result<void> FakeCeremonies::cancel_root_generation() {
  if (failure) return *failure;
  root_started_ = false;
  root_shares_ = 0;
  return {};
}

void FakeCeremonies::give_root_share(AdmissionPtr, SecretBytes, const std::string& nonce,
                                     Callback<api::RootGeneration> done) {
  if (failure) return done(*failure);
  if (!root_started_) return done(invalid("no root generation in progress"));
  if (nonce != "root-nonce") return done(invalid("incorrect nonce supplied"));
  ++root_shares_;
  auto status = root_status();
  if (root_shares_ == kRequired) {
    status.complete = true;
    status.encoded_token = "aGlkZGVu";
    root_started_ = false;
    root_shares_ = 0;
  }
  done(std::move(status));
}

Result<api::RekeyProgress> FakeCeremonies::rekey() {
  if (failure) return *failure;
  rekey_.required = kRequired;
  return rekey_;
}

Result<api::RekeyProgress> FakeCeremonies::begin_rekey(const api::RekeyStart& start) {
  if (failure) return *failure;
  rekey_ = {
      true, "rekey-nonce", start.shares, start.threshold, 0, kRequired, start.require_verification,
      ""};
  return rekey_;
}

Result<void> FakeCeremonies::cancel_rekey() {
  if (failure) return *failure;
  rekey_ = {};
  return {};
}

void FakeCeremonies::give_rekey_share(AdmissionPtr, SecretBytes, const std::string&,
                                      Callback<api::RekeyOutcome> done) {
  if (failure) return done(*failure);
  ++rekey_.progress;
  api::RekeyOutcome outcome;
  if (rekey_.progress == kRequired) {
    outcome.complete = true;
    outcome.nonce = rekey_.nonce;
    outcome.key_shares.emplace_back(std::string_view("\x01\x02"));
    if (rekey_.verification_required) rekey_.verification_nonce = "verify-0";
  }
  outcome.progress = rekey_;
  done(std::move(outcome));
}

Result<api::RekeyVerification> FakeCeremonies::rekey_verification() {
  if (failure) return *failure;
  if (rekey_.verification_nonce.empty()) return api::RekeyVerification{};
  return api::RekeyVerification{
      true, rekey_.verification_nonce, rekey_.shares, rekey_.threshold, verified_, false, false};
}

Result<api::RekeyVerification> FakeCeremonies::restart_rekey_verification() {
  rekey_.verification_nonce = "verify-" + std::to_string(++verifications_);
  verified_ = 0;
  return rekey_verification();
}

void FakeCeremonies::verify_rekey_share(AdmissionPtr, SecretBytes, const std::string&,
                                        Callback<api::RekeyVerification> done) {
  ++verified_;
  auto status = rekey_verification();
  if (status) status->complete = verified_ == kRequired;
  done(std::move(status));
}

}  // namespace coffer::test
