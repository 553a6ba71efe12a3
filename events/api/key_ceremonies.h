// What a quorum of key-share holders does together: a new root token, new key shares. Part of the
// door between net/ and actors/ (request_port.h), same rules: callbacks run once, on any thread.
//
// One attempt of each kind at a time, in memory of the active node; it ends with a restart, a
// sealing or a change of the active node, and nothing has changed then. Shares that are not the
// vault's are all forgotten, and the attempt goes on. Texts of errors are Vault's where it has one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "events/base/result.h"
#include "events/base/secret_bytes.h"

namespace coffer::api {

class Admission;

// Of a new root token.
struct RootGeneration {
  bool started = false;
  std::string nonce;  // of the attempt
  unsigned progress = 0;
  unsigned required = 0;
  bool complete = false;
  std::string encoded_token;  // complete: base64 of token XOR otp, worth nothing without the otp
  SecretBytes otp;            // only as the answer to a start for which the server made it
};

struct RekeyStart {
  unsigned shares = 0;
  unsigned threshold = 0;
  bool require_verification = false;
};
struct RekeyProgress {
  bool started = false;
  std::string nonce;
  unsigned shares = 0;  // of the new scheme
  unsigned threshold = 0;
  unsigned progress = 0;
  unsigned required = 0;  // shares of the old scheme
  bool verification_required = false;
  std::string verification_nonce;  // set while the new shares wait for their verification
};
struct RekeyOutcome {
  RekeyProgress progress;
  bool complete = false;
  std::string nonce;                    // of the attempt that is complete now
  std::vector<SecretBytes> key_shares;  // complete: the new ones
  bool recorded = false;
};
struct RekeyVerification {
  bool started = false;
  std::string nonce;
  unsigned shares = 0;
  unsigned threshold = 0;
  unsigned progress = 0;
  bool complete = false;
  bool recorded = false;
};

class KeyCeremonies {
 public:
  template <class T>
  using Callback = std::function<void(Result<T>)>;
  using AdmissionPtr = std::shared_ptr<Admission>;

  virtual ~KeyCeremonies() = default;

  // Length of the one-time pad that a root token is hidden under.
  static constexpr std::size_t kOtpBytes = 28;

  // Every call fails with `sealed` while the vault is, and with `invalid_argument` when the seal
  // has no key shares.
  virtual Result<RootGeneration> root_generation() = 0;
  // `otp` empty: one is made.
  virtual Result<RootGeneration> begin_root_generation(SecretBytes otp) = 0;
  virtual Result<void> cancel_root_generation() = 0;
  // With the last share needed the token is durable before it is answered.
  virtual void give_root_share(AdmissionPtr admission, SecretBytes share, const std::string& nonce,
                               Callback<RootGeneration> done) = 0;

  virtual Result<RekeyProgress> rekey() = 0;
  virtual Result<RekeyProgress> begin_rekey(const RekeyStart& start) = 0;
  virtual Result<void> cancel_rekey() = 0;
  // With the last share needed the new shares are handed out; they are the vault's from then on, or
  // once they were verified.
  virtual void give_rekey_share(AdmissionPtr admission, SecretBytes share, const std::string& nonce,
                                Callback<RekeyOutcome> done) = 0;
  virtual Result<RekeyVerification> rekey_verification() = 0;
  // Begins the verification again, under another nonce.
  virtual Result<RekeyVerification> restart_rekey_verification() = 0;
  virtual void verify_rekey_share(AdmissionPtr admission, SecretBytes share,
                                  const std::string& nonce, Callback<RekeyVerification> done) = 0;
};

}  // namespace coffer::api
