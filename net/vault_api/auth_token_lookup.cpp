// auth/token: what is known of a token, by its text, by its accessor, or the caller's own.
#include "net/vault_api/handlers.h"
#include "net/vault_api/token_json.h"

namespace coffer::net::vault {
namespace {

constexpr std::size_t kLookupBytes = 768;

// `text` is what the caller sent and gets back as "id".
void look_up(Exchange& x, api::TokenReference reference, std::shared_ptr<SecretBytes> text,
             bool unknown_is_bad_token) {
  x.port().find_token(
      x.admission(), std::move(reference),
      x.finally<api::TokenFound>([text, unknown_is_bad_token](Exchange& self, auto found) {
        if (!found.ok()) {
          const bool unknown = found.error().code == ErrorCode::permission_denied;
          if (unknown && unknown_is_bad_token)
            return self.refuse(ErrorCode::permission_denied, "bad token");
          return self.refuse(found.error());
        }
        const auto now = self.port().now();
        self.answer_data(kLookupBytes, [&](json::Writer& writer) {
          write_lookup(writer, *found, text->expose_text(), now);
        });
      }));
}

void look_up_self(Exchange& x) {
  api::TokenReference reference;
  reference.self = true;
  look_up(x, std::move(reference), std::make_shared<SecretBytes>(x.own_token()), false);
}

}  // namespace

void token_lookup_self(Exchange& x, std::string_view) {
  look_up_self(x);
}

void token_lookup(Exchange& x, std::string_view) {
  const auto* token = x.fields().find("token");
  if (token == nullptr || token->text().empty()) return look_up_self(x);
  api::TokenReference reference;
  reference.token = SecretBytes(token->text());
  look_up(x, std::move(reference), std::make_shared<SecretBytes>(token->text()), true);
}

void token_lookup_accessor(Exchange& x, std::string_view) {
  COFFER_FIELD(auto accessor, x, x.fields().text("accessor"));
  if (!accessor || accessor->empty())
    return x.refuse(ErrorCode::invalid_argument, one_error("missing accessor"));
  api::TokenReference reference;
  reference.accessor = std::move(*accessor);
  x.port().find_token(
      x.admission(), std::move(reference),
      x.finally<api::TokenFound>([](Exchange& self, Result<api::TokenFound> found) {
        if (!found.ok()) {
          if (is_callers_mistake(found.error().code))
            return self.refuse(ErrorCode::invalid_argument, one_error("invalid accessor"));
          return self.refuse(found.error());
        }
        const auto now = self.port().now();
        self.answer_data(kLookupBytes,
                         [&](json::Writer& writer) { write_lookup(writer, *found, {}, now); });
      }));
}

void token_accessors_list(Exchange& x, std::string_view) {
  using Names = std::vector<std::string>;
  x.port().list_accessors(x.admission(), x.then<Names>([](Exchange& self, const Names& names) {
    if (names.empty()) return self.refuse(ErrorCode::not_found, {});
    self.answer_data(32 * names.size(), [&](json::Writer& writer) {
      writer.begin_object().key("keys").begin_array();
      for (const auto& name : names) writer.string(name);
      writer.end_array().end_object();
    });
  }));
}

}  // namespace coffer::net::vault
