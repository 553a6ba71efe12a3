#include "actors/share_ceremonies.h"

#include <fmt/format.h>

#include "actors/admission.h"
#include "actors/token_text.h"
#include "events/log/state_keys.h"
#include "hsm/envelope_cipher.h"
#include "hsm/shamir.h"

namespace coffer::actors {
namespace {

Error invalid(std::string text) {
  return fail(ErrorCode::invalid_argument, std::move(text));
}

// RFC 4648 base64 of the two XORed, without padding, as Vault's clients decode it.
std::string hide_token(const SecretBytes& token, const SecretBytes& otp) {
  SecretBytes hidden(token.expose());
  auto bytes = hidden.writable();
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= otp.expose()[i];
  auto text = hsm::base64_encode(hidden.expose());
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

token::TokenCreated root_token(const Services& services) {
  token::TokenCreated created;
  created.accessor = random_accessor(services.random);
  created.policies = {"root"};
  created.display_name = "root";
  created.path = "auth/token/root";
  created.created_time = services.clock.now();
  return created;
}

}  // namespace

void ShareCeremonies::forget() {
  const std::lock_guard lock(mutex_);
  root_.reset();
  rekey_.reset();
}

Result<codec::VaultRow> ShareCeremonies::vault() const {
  COFFER_ASSIGN(auto row, seal_.row_when_active());
  if (!row.shamir)
    return fail(ErrorCode::invalid_argument,
                "not available with the automatic seal: it has no key shares");
  return row;
}

std::string ShareCeremonies::new_nonce() {
  return random_id<Id128<struct CeremonyTag>>(services_.random).to_string();
}

Result<std::optional<SecretBytes>> ShareCeremonies::collect(ShareCollector& shares,
                                                            SecretBytes share,
                                                            const codec::VaultRow& row) {
  const auto scheme = scheme_of(row);
  COFFER_ASSIGN(const auto combined, shares.combine(std::move(share), scheme, services_.random));
  if (!combined) return std::optional<SecretBytes>();
  auto entropy = open_pin(scheme, *combined);
  if (!entropy || !seal_.is_pin(pin_of(*entropy)))
    return invalid("the key shares are not those of this vault: give them again");
  return std::optional<SecretBytes>(std::move(*entropy));
}

// ---------------------------------------------------------------- a new root token
api::RootGeneration ShareCeremonies::root_status(const codec::VaultRow& row) const {
  api::RootGeneration status;
  status.required = row.threshold;
  if (!root_) return status;
  status.started = true;
  status.nonce = root_->nonce;
  status.progress = root_->shares.progress();
  return status;
}

Result<api::RootGeneration> ShareCeremonies::root_generation() {
  COFFER_ASSIGN(const auto row, vault());
  const std::lock_guard lock(mutex_);
  return root_status(row);
}

Result<api::RootGeneration> ShareCeremonies::begin_root_generation(SecretBytes otp) {
  COFFER_ASSIGN(const auto row, vault());
  const bool own = otp.empty();
  if (own) otp = random_root_token_text(services_.random);
  if (otp.size() != kOtpBytes)
    return invalid(
        fmt::format("otp string is wrong length: it must have {} characters", kOtpBytes));
  const std::lock_guard lock(mutex_);
  if (root_) return invalid("root generation already in progress");
  root_.emplace();
  root_->nonce = new_nonce();
  root_->otp = otp.clone();
  auto status = root_status(row);
  if (own) status.otp = std::move(otp);
  return status;
}

Result<void> ShareCeremonies::cancel_root_generation() {
  COFFER_TRY(vault());
  const std::lock_guard lock(mutex_);
  root_.reset();
  return {};
}

void ShareCeremonies::give_root_share(api::AdmissionPtr admission, SecretBytes share,
                                      const std::string& nonce,
                                      Callback<api::RootGeneration> done) {
  const auto row = vault();
  if (!row) return done(row.error());
  Result<api::RootGeneration> outcome = api::RootGeneration{};
  SecretBytes otp;
  {
    const std::lock_guard lock(mutex_);
    outcome = [&]() -> Result<api::RootGeneration> {
      if (!root_) return invalid("no root generation in progress");
      if (nonce != root_->nonce)
        return invalid(fmt::format(
            "incorrect nonce supplied; nonce for this root generation operation is \"{}\"",
            root_->nonce));
      COFFER_ASSIGN(const auto entropy, collect(root_->shares, std::move(share), *row));
      auto status = root_status(*row);
      if (!entropy) return status;
      status.progress = status.required;
      status.complete = true;
      otp = std::move(root_->otp);
      root_.reset();
      return status;
    }();
  }
  if (!outcome || !outcome->complete) return done(std::move(outcome));
  issue_root_token(admission, std::move(otp), std::move(*outcome), std::move(done));
}

void ShareCeremonies::issue_root_token(const api::AdmissionPtr& admission, SecretBytes otp,
                                       api::RootGeneration outcome,
                                       Callback<api::RootGeneration> done) {
  const auto root = services_.root_keys();
  if (!root) return done(fail(ErrorCode::sealed, "Vault is sealed"));
  const auto text = random_root_token_text(services_.random);
  auto created = root_token(services_);
  created.id = root->token_id(text.expose_text());
  outcome.encoded_token = hide_token(text, otp);
  auto shared = std::make_shared<api::RootGeneration>(std::move(outcome));
  auto request = std::make_shared<TenantRequest>();
  request->tenant = kRootTenant;
  request->body =
      CreateToken{nullptr, created, 0,
                  Promise<TokenStatePtr>([admission, shared, done = std::move(done)](auto issued) {
                    if (!issued) return done(issued.error());
                    done(std::move(*shared));
                  })};
  if (!services_.partition.try_send(request, services_.limits.mailbox_max))
    std::get<CreateToken>(request->body).done.fail(ErrorCode::overloaded, "too many requests");
}

// ---------------------------------------------------------------- new shares
api::RekeyProgress ShareCeremonies::rekey_status(const codec::VaultRow& row) const {
  api::RekeyProgress status;
  status.required = row.threshold;
  if (!rekey_) return status;
  status.started = true;
  status.nonce = rekey_->nonce;
  status.shares = rekey_->wanted.shares;
  status.threshold = rekey_->wanted.threshold;
  status.progress = rekey_->shares.progress();
  status.verification_required = rekey_->wanted.require_verification;
  if (rekey_->made) status.verification_nonce = rekey_->made->nonce;
  return status;
}

Result<api::RekeyProgress> ShareCeremonies::rekey() {
  COFFER_ASSIGN(const auto row, vault());
  const std::lock_guard lock(mutex_);
  return rekey_status(row);
}

Result<api::RekeyProgress> ShareCeremonies::begin_rekey(const api::RekeyStart& start) {
  COFFER_ASSIGN(const auto row, vault());
  const std::lock_guard lock(mutex_);
  if (rekey_) return invalid("rekey already in progress");
  rekey_.emplace();
  rekey_->nonce = new_nonce();
  rekey_->wanted = start;
  return rekey_status(row);
}

Result<void> ShareCeremonies::cancel_rekey() {
  COFFER_TRY(vault());
  const std::lock_guard lock(mutex_);
  if (rekey_ && rekey_->made && rekey_->made->appending)
    return invalid("the new key shares are being stored: it is too late to cancel");
  rekey_.reset();
  return {};
}

Result<void> ShareCeremonies::check_rekey_nonce(const std::string& nonce) const {
  if (!rekey_) return invalid("no barrier rekey in progress");
  if (rekey_->made)
    return invalid("rekey operation already finished; verification must be performed");
  if (nonce != rekey_->nonce)
    return invalid(fmt::format("incorrect nonce supplied; nonce for this rekey operation is \"{}\"",
                               rekey_->nonce));
  return {};
}

Result<std::vector<SecretBytes>> ShareCeremonies::make_shares(const codec::VaultRow& row,
                                                              const SecretBytes& pin_entropy) {
  const auto& wanted = rekey_->wanted;
  NewShares made;
  made.row = row;
  made.row.shares = wanted.shares;
  made.row.threshold = wanted.threshold;
  made.nonce = new_nonce();
  made.unseal_key = SecretBytes(kPinEntropyBytes);
  services_.random.fill(made.unseal_key.writable());
  made.row.sealed_pin = seal_pin(made.unseal_key, row.cluster_id, pin_entropy);
  auto shares =
      hsm::split_secret(made.unseal_key, wanted.shares, wanted.threshold, services_.random);
  if (shares) rekey_->made = std::move(made);
  return shares;
}

void ShareCeremonies::give_rekey_share(api::AdmissionPtr admission, SecretBytes share,
                                       const std::string& nonce, Callback<api::RekeyOutcome> done) {
  const auto row = vault();
  if (!row) return done(row.error());
  auto outcome = std::make_shared<api::RekeyOutcome>();
  Result<void> taken;
  {
    const std::lock_guard lock(mutex_);
    taken = [&]() -> Result<void> {
      COFFER_TRY(check_rekey_nonce(nonce));
      COFFER_ASSIGN(const auto entropy, collect(rekey_->shares, std::move(share), *row));
      if (entropy) {
        COFFER_ASSIGN(outcome->key_shares, make_shares(*row, *entropy));
        outcome->complete = true;
        outcome->nonce = rekey_->nonce;
      }
      outcome->progress = rekey_status(*row);
      return {};
    }();
  }
  if (!taken) return done(taken.error());
  if (!outcome->complete || outcome->progress.verification_required)
    return done(std::move(*outcome));
  append_row(admission, [outcome, done = std::move(done)](Result<void> stored) {
    if (!stored) return done(stored.error());
    outcome->recorded = true;
    done(std::move(*outcome));
  });
}

// ---------------------------------------------------------------- verification
api::RekeyVerification ShareCeremonies::verification_status() const {
  api::RekeyVerification status;
  if (!rekey_ || !rekey_->made) return status;
  status.started = true;
  status.nonce = rekey_->made->nonce;
  status.shares = rekey_->wanted.shares;
  status.threshold = rekey_->wanted.threshold;
  status.progress = rekey_->made->shares.progress();
  return status;
}

Result<void> ShareCeremonies::check_verification(const std::string& nonce) const {
  if (!rekey_ || !rekey_->made || rekey_->made->appending)
    return invalid("no rekey verification in progress");
  if (nonce != rekey_->made->nonce)
    return invalid(
        fmt::format("incorrect nonce supplied; nonce for this verify operation is \"{}\"",
                    rekey_->made->nonce));
  return {};
}

Result<api::RekeyVerification> ShareCeremonies::rekey_verification() {
  COFFER_TRY(vault());
  const std::lock_guard lock(mutex_);
  return verification_status();
}

Result<api::RekeyVerification> ShareCeremonies::restart_rekey_verification() {
  COFFER_TRY(vault());
  const std::lock_guard lock(mutex_);
  if (!rekey_ || !rekey_->made || rekey_->made->appending)
    return invalid("no rekey verification in progress");
  rekey_->made->shares.reset();
  rekey_->made->nonce = new_nonce();
  return verification_status();
}

void ShareCeremonies::verify_rekey_share(api::AdmissionPtr admission, SecretBytes share,
                                         const std::string& nonce,
                                         Callback<api::RekeyVerification> done) {
  const auto row = vault();
  if (!row) return done(row.error());
  auto outcome = std::make_shared<api::RekeyVerification>();
  Result<void> taken;
  {
    const std::lock_guard lock(mutex_);
    taken = [&]() -> Result<void> {
      COFFER_TRY(check_verification(nonce));
      auto& made = *rekey_->made;
      COFFER_ASSIGN(const auto combined,
                    made.shares.combine(std::move(share), scheme_of(made.row), services_.random));
      *outcome = verification_status();
      if (!combined) return {};
      if (!combined->equals(made.unseal_key.expose()))
        return invalid("the key shares are not the new ones: give them again");
      outcome->progress = outcome->threshold;
      outcome->complete = true;
      return {};
    }();
  }
  if (!taken) return done(taken.error());
  if (!outcome->complete) return done(std::move(*outcome));
  append_row(admission, [outcome, done = std::move(done)](Result<void> stored) {
    if (!stored) return done(stored.error());
    outcome->recorded = true;
    done(std::move(*outcome));
  });
}

// ---------------------------------------------------------------- storing
Result<log::Append> ShareCeremonies::build(const api::AdmissionPtr& admission,
                                           const codec::VaultRow& row) const {
  const auto root = services_.tenants.find(kRootTenant);
  if (!root) return fail(ErrorCode::unavailable, "the root namespace is being loaded");
  const auto now = services_.clock.now();
  COFFER_ASSIGN(
      const auto decided,
      tenant::decide(root->view.state, tenant::ChangeUnsealShares{row.shares, row.threshold}, now));
  const std::vector<codec::AnyEvent> events(decided.begin(), decided.end());
  log::Append append;
  append.partition = root->partition;
  COFFER_ASSIGN(append.event, seal_events(*root->keys, TenantId{}.view(), events, now,
                                          random_id<Id128<codec::CommandTag>>(services_.random)));
  COFFER_ASSIGN(append.access, success_record(admission, *root->keys, 200, 0, now));
  append.changes.push_back(
      plain_row(log::Family::meta, log::meta_row(kVaultRow), codec::encode_vault_row(row)));
  return append;
}

void ShareCeremonies::append_row(const api::AdmissionPtr& admission,
                                 std::function<void(Result<void>)> done) {
  std::optional<codec::VaultRow> begun;
  {
    const std::lock_guard lock(mutex_);
    if (rekey_ && rekey_->made && !std::exchange(rekey_->made->appending, true))
      begun = rekey_->made->row;
  }
  if (!begun) return done(invalid("the rekey was canceled"));
  const auto& row = *begun;
  auto append = build(admission, row);
  if (!append) {
    appended(row, false);
    return done(append.error());
  }
  auto job = std::make_shared<AppendJob>();
  job->appends.push_back(std::move(*append));
  Promise<bool> promise([this, row, done = std::move(done)](Result<bool> stored) {
    appended(row, stored.ok());
    done(stored ? Result<void>{} : Result<void>{stored.error()});
  });
  job->done = [promise](const Result<std::vector<log::Appended>>& result) {
    if (!result) return promise.fail(result.error());
    promise(true);
  };
  services_.log_writer.send(std::move(job));
}

// The attempt is over either way: one whose outcome the log does not know must not be tried again
// with the same shares.
void ShareCeremonies::appended(const codec::VaultRow& row, bool durable) {
  if (durable) seal_.replace_row(row);
  const std::lock_guard lock(mutex_);
  rekey_.reset();
}

}  // namespace coffer::actors
