// sys/generate-root: a new root token from a quorum of key shares. Needs no token, as in Vault: the
// shares are the credential.
#include "net/vault_api/handlers.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {
namespace {

constexpr std::size_t kBodyBytes = 512;

void answer_status(Exchange& x, const api::RootGeneration& status) {
  SecretBytes body;
  body.reserve(kBodyBytes);
  json::Writer writer(body);
  writer.begin_object().key("nonce").string(status.nonce);
  writer.key("started").boolean(status.started);
  writer.key("progress").unsigned_integer(status.progress);
  writer.key("required").unsigned_integer(status.required);
  writer.key("complete").boolean(status.complete);
  writer.key("encoded_token").string(status.encoded_token);
  writer.key("encoded_root_token").string(status.encoded_token);
  writer.key("pgp_fingerprint").string("");
  writer.key("otp").string(status.otp.expose_text());
  writer.key("otp_length").unsigned_integer(api::KeyCeremonies::kOtpBytes);
  writer.end_object();
  x.answer(raw_answer(200, std::move(body)));
}

}  // namespace

void sys_generate_root_read(Exchange& x, std::string_view) {
  COFFER_FIELD(const auto status, x, x.port().key_ceremonies().root_generation());
  answer_status(x, status);
}

void sys_generate_root_start(Exchange& x, std::string_view) {
  const auto fields = x.fields();
  COFFER_FIELD_CHECK(x, refuse_pgp(fields, {"pgp_key"}));
  const auto* otp = fields.find("otp");
  COFFER_FIELD(const auto status, x,
               x.port().key_ceremonies().begin_root_generation(
                   SecretBytes(otp == nullptr ? std::string_view() : otp->text())));
  answer_status(x, status);
}

void sys_generate_root_cancel(Exchange& x, std::string_view) {
  COFFER_FIELD_CHECK(x, x.port().key_ceremonies().cancel_root_generation());
  x.answer(no_content());
}

void sys_generate_root_update(Exchange& x, std::string_view) {
  COFFER_FIELD(auto given, x, read_share(x.fields()));
  x.port().key_ceremonies().give_root_share(x.admission(), std::move(given.share), given.nonce,
                                            x.then<api::RootGeneration>(answer_status));
}

}  // namespace coffer::net::vault
