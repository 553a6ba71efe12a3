// sys/rekey: other key shares for the same vault, with or without their verification. Needs no
// token, as in Vault: the shares are the credential. Backups exist only of shares under PGP keys,
// which this server does not make.
#include <fmt/format.h>

#include "hsm/envelope_cipher.h"
#include "net/vault_api/handlers.h"
#include "net/vault_api/node_answers.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {
namespace {

constexpr std::size_t kBodyBytes = 512;
constexpr std::size_t kShareBytes = 512;  // of one share in the answer, in both notations

void write_progress(json::Writer& writer, const api::RekeyProgress& status) {
  writer.key("nonce").string(status.nonce);
  writer.key("started").boolean(status.started);
  writer.key("t").unsigned_integer(status.threshold);
  writer.key("n").unsigned_integer(status.shares);
  writer.key("progress").unsigned_integer(status.progress);
  writer.key("required").unsigned_integer(status.required);
  writer.key("pgp_fingerprints").null();
  writer.key("backup").boolean(false);
  writer.key("verification_required").boolean(status.verification_required);
  if (!status.verification_nonce.empty())
    writer.key("verification_nonce").string(status.verification_nonce);
}

void answer_progress(Exchange& x, const api::RekeyProgress& status) {
  SecretBytes body;
  body.reserve(kBodyBytes);
  json::Writer writer(body);
  writer.begin_object();
  write_progress(writer, status);
  writer.end_object();
  x.answer(raw_answer(200, std::move(body)));
}

void answer_outcome(Exchange& x, const api::RekeyOutcome& outcome) {
  if (!outcome.complete) return answer_progress(x, outcome.progress);
  SecretBytes body;
  body.reserve(kBodyBytes + outcome.key_shares.size() * kShareBytes);
  json::Writer writer(body);
  writer.begin_object().key("nonce").string(outcome.nonce).key("complete").boolean(true);
  write_key_lists(writer, outcome.key_shares);
  writer.key("pgp_fingerprints").null().key("backup").boolean(false);
  writer.key("verification_required").boolean(outcome.progress.verification_required);
  if (!outcome.progress.verification_nonce.empty())
    writer.key("verification_nonce").string(outcome.progress.verification_nonce);
  writer.end_object();
  x.answer(raw_answer(200, std::move(body)), outcome.recorded);
}

void answer_verification(Exchange& x, const api::RekeyVerification& status) {
  SecretBytes body;
  body.reserve(kBodyBytes);
  json::Writer writer(body);
  writer.begin_object().key("nonce").string(status.nonce);
  if (status.complete) {
    writer.key("complete").boolean(true);
  } else {
    writer.key("started").boolean(status.started);
    writer.key("t").unsigned_integer(status.threshold);
    writer.key("n").unsigned_integer(status.shares);
    writer.key("progress").unsigned_integer(status.progress);
  }
  writer.end_object();
  x.answer(raw_answer(200, std::move(body)), status.recorded);
}

Result<api::RekeyStart> read_start(const Fields& fields) {
  COFFER_TRY(refuse_pgp(fields, {"pgp_keys"}));
  COFFER_ASSIGN(const auto backup, fields.boolean("backup"));
  if (backup.value_or(false))
    return fail(ErrorCode::invalid_argument,
                "cannot request a backup of the new keys without "
                "PGP keys, which this server does not support");
  COFFER_ASSIGN(const auto verify, fields.boolean("require_verification"));
  COFFER_ASSIGN(const auto shares, read_init(fields, false));
  return api::RekeyStart{shares.shares, shares.threshold, verify.value_or(false)};
}

}  // namespace

void sys_rekey_read(Exchange& x, std::string_view) {
  COFFER_FIELD(const auto status, x, x.port().key_ceremonies().rekey());
  answer_progress(x, status);
}

void sys_rekey_start(Exchange& x, std::string_view) {
  COFFER_FIELD(const auto start, x, read_start(x.fields()));
  COFFER_FIELD(const auto status, x, x.port().key_ceremonies().begin_rekey(start));
  answer_progress(x, status);
}

void sys_rekey_cancel(Exchange& x, std::string_view) {
  COFFER_FIELD_CHECK(x, x.port().key_ceremonies().cancel_rekey());
  x.answer(no_content());
}

void sys_rekey_update(Exchange& x, std::string_view) {
  COFFER_FIELD(auto given, x, read_share(x.fields()));
  x.port().key_ceremonies().give_rekey_share(x.admission(), std::move(given.share), given.nonce,
                                             x.then<api::RekeyOutcome>(answer_outcome));
}

void sys_rekey_verify_read(Exchange& x, std::string_view) {
  COFFER_FIELD(const auto status, x, x.port().key_ceremonies().rekey_verification());
  answer_verification(x, status);
}

void sys_rekey_verify_restart(Exchange& x, std::string_view) {
  COFFER_FIELD(const auto status, x, x.port().key_ceremonies().restart_rekey_verification());
  answer_verification(x, status);
}

void sys_rekey_verify_update(Exchange& x, std::string_view) {
  COFFER_FIELD(auto given, x, read_share(x.fields()));
  x.port().key_ceremonies().verify_rekey_share(x.admission(), std::move(given.share), given.nonce,
                                               x.then<api::RekeyVerification>(answer_verification));
}

void sys_rekey_recovery(Exchange& x, std::string_view) {
  x.refuse(ErrorCode::invalid_argument, "this seal has no recovery keys");
}

void sys_rekey_backup_read(Exchange& x, std::string_view) {
  x.refuse(ErrorCode::invalid_argument, "no backed-up keys found");
}

void sys_rekey_backup_remove(Exchange& x, std::string_view) {
  x.answer(no_content());
}

}  // namespace coffer::net::vault
