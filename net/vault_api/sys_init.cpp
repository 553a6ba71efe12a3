// sys/init, sys/unseal, sys/seal. Shares and the root token stay in SecretBytes throughout.
#include <fmt/format.h>

#include <array>

#include "hsm/envelope_cipher.h"
#include "net/vault_api/handlers.h"
#include "net/vault_api/node_answers.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {
namespace {

constexpr std::size_t kShareTextBytesMax = 1024;

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<SecretBytes> decode_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  SecretBytes out(text.size() / 2);
  auto bytes = out.writable();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

void answer_init(Exchange& x, const api::InitOutcome& outcome, bool automatic) {
  SecretBytes body;
  // Each share stands there twice; growing would leave copies to wipe.
  body.reserve(512 + outcome.key_shares.size() * 512 + outcome.root_token.size());
  json::Writer writer(body);
  writer.begin_object();
  write_key_lists(writer, outcome.key_shares);
  if (automatic) {
    writer.key("recovery_keys").begin_array().end_array();
    writer.key("recovery_keys_base64").begin_array().end_array();
  }
  writer.key("root_token").string(outcome.root_token.expose_text());
  writer.end_object();
  x.answer(raw_answer(200, std::move(body)));
}

bool is_given(const Fields& fields, std::string_view name) {
  const auto* value = fields.find(name);
  if (value == nullptr || value->is_null()) return false;
  return !(value->is_array() && value->items().empty()) &&
         !(value->is_string() && value->text().empty());
}

void answer_status(Exchange& x, const api::ServiceStatus& status) {
  x.answer(seal_status_answer(x.options(), status));
}

// Hexadecimal or base64, as the shares are handed out.
Result<SecretBytes> decode_share(std::string_view text) {
  auto share = text.size() > kShareTextBytesMax ? std::nullopt : decode_hex(text);
  if (!share && text.size() <= kShareTextBytesMax) share = hsm::base64_decode(text);
  if (!share)
    return fail(ErrorCode::invalid_argument, "'key' must be a valid hex or base64 string");
  return std::move(*share);
}

}  // namespace

void write_wiped(json::Writer& writer, std::string text) {
  writer.string(text);
  wipe_memory(text.data(), text.size());
}

void write_key_lists(json::Writer& writer, const std::vector<SecretBytes>& shares) {
  writer.key("keys").begin_array();
  for (const auto& share : shares) write_wiped(writer, to_hex(share.expose()));
  writer.end_array().key("keys_base64").begin_array();
  for (const auto& share : shares) write_wiped(writer, hsm::base64_encode(share.expose()));
  writer.end_array();
}

Result<void> refuse_pgp(const Fields& fields, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (is_given(fields, name))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} is not supported by this server", name));
  return {};
}

Result<GivenShare> read_share(const Fields& fields) {
  const auto* key = fields.find("key");
  if (key == nullptr || key->text().empty())
    return fail(ErrorCode::invalid_argument, "'key' must be specified in request body as JSON");
  GivenShare given;
  COFFER_ASSIGN(given.share, decode_share(key->text()));
  COFFER_ASSIGN(const auto nonce, fields.text("nonce"));
  given.nonce = nonce.value_or("");
  return given;
}

Result<api::InitRequest> read_init(const Fields& fields, bool automatic) {
  COFFER_TRY(refuse_pgp(fields, {"pgp_keys", "recovery_pgp_keys", "root_token_pgp_key"}));
  COFFER_ASSIGN(const auto shares, fields.integer("secret_shares"));
  COFFER_ASSIGN(const auto threshold, fields.integer("secret_threshold"));
  if (automatic) {
    if (shares.value_or(0) != 0 || threshold.value_or(0) != 0)
      return fail(ErrorCode::invalid_argument,
                  "parameters secret_shares,secret_threshold not applicable to seal type pkcs11");
    return api::InitRequest{};
  }
  constexpr std::int64_t kSharesMax = 255;
  const auto invalid = [](std::string_view why) {
    return fail(ErrorCode::invalid_argument, fmt::format("invalid seal configuration: {}", why));
  };
  const auto n = shares.value_or(0);
  const auto t = threshold.value_or(0);
  if (n < 1) return invalid("shares must be at least one");
  if (t < 1) return invalid("threshold must be at least one");
  if (n > 1 && t == 1) return invalid("threshold must be greater than one for multiple shares");
  if (n > kSharesMax) return invalid("shares must be less than 256");
  if (t > n) return invalid("threshold cannot be larger than shares");
  return api::InitRequest{static_cast<unsigned>(n), static_cast<unsigned>(t)};
}

Answer init_status_answer(bool initialized) {
  SecretBytes body;
  json::Writer(body).begin_object().key("initialized").boolean(initialized).end_object();
  return raw_answer(200, std::move(body));
}

Result<std::optional<SecretBytes>> read_unseal(const Fields& fields, bool initialized) {
  COFFER_ASSIGN(const auto reset, fields.boolean("reset"));
  if (!initialized) return fail(ErrorCode::invalid_argument, "Vault is not initialized");
  if (reset.value_or(false)) return std::optional<SecretBytes>();
  const auto* key = fields.find("key");
  if (key == nullptr || key->text().empty())
    return fail(ErrorCode::invalid_argument,
                "'key' must be specified in request body as JSON, or 'reset' set to true");
  COFFER_ASSIGN(auto share, decode_share(key->text()));
  return std::optional<SecretBytes>(std::move(share));
}

void sys_init_read(Exchange& x, std::string_view) {
  x.answer(init_status_answer(x.port().status().initialized));
}

void sys_init_write(Exchange& x, std::string_view) {
  const auto status = x.port().status();
  const bool automatic = status.seal_type == api::SealType::automatic;
  COFFER_FIELD(const auto request, x, read_init(x.fields(), automatic));
  if (status.initialized)
    return x.refuse(ErrorCode::invalid_argument, "Vault is already initialized");
  x.port().initialize(request, x.then<api::InitOutcome>([automatic](Exchange& self, auto outcome) {
    answer_init(self, outcome, automatic);
  }));
}

void sys_unseal(Exchange& x, std::string_view) {
  COFFER_FIELD(auto share, x, read_unseal(x.fields(), x.port().status().initialized));
  if (!share) return x.port().reset_unseal(x.then<api::ServiceStatus>(answer_status));
  x.port().unseal(std::move(*share), x.then<api::ServiceStatus>(answer_status));
}

void sys_seal(Exchange& x, std::string_view) {
  // Another node is to be sealed, and asks only whether it may.
  if (x.for_another_node()) return x.answer(no_content());
  x.port().seal(x.admission(), x.then_no_content<api::Changed>());
}

}  // namespace coffer::net::vault
