// auth/token: renewing and revoking.
#include "net/vault_api/handlers.h"
#include "net/vault_api/token_json.h"

namespace coffer::net::vault {
namespace {

enum class Named : std::uint8_t { self, token, accessor };

// What to say of a token or accessor that nobody knows.
struct UnknownToken {
  Named named;
  Result<void> operator()(const Error& error) const {
    if (!is_callers_mistake(error.code)) return error;
    if (named == Named::token && error.code == ErrorCode::permission_denied)
      return fail(ErrorCode::invalid_argument, "token not found");
    return error;
  }
};

Result<api::TokenReference> by_token(const Fields& fields) {
  const auto* token = fields.find("token");
  if (token == nullptr || token->text().empty())
    return fail(ErrorCode::invalid_argument, "missing token ID");
  api::TokenReference reference;
  reference.token = SecretBytes(token->text());
  return reference;
}

Result<api::TokenReference> by_accessor(const Fields& fields) {
  COFFER_ASSIGN(auto accessor, fields.text("accessor"));
  if (!accessor || accessor->empty())
    return fail(ErrorCode::invalid_argument, one_error("missing accessor"));
  api::TokenReference reference;
  reference.accessor = std::move(*accessor);
  return reference;
}

api::TokenReference own() {
  api::TokenReference reference;
  reference.self = true;
  return reference;
}

// `text`: the token as the caller knows it, shown again in the answer.
void renew(Exchange& x, api::TokenReference reference, Named named,
           std::shared_ptr<SecretBytes> text) {
  COFFER_FIELD(const auto increment, x, x.fields().duration("increment"));
  x.port().renew_token(
      x.admission(), std::move(reference), increment.value_or(Seconds{0}), 200,
      x.finally<api::TokenRenewal>([named, text](Exchange& self, auto renewed) {
        if (!renewed.ok()) return self.refuse(UnknownToken{named}(renewed.error()).error());
        const auto auth = auth_block(renewed->state, text->expose_text(), self.port().now(),
                                     renewed->identity_policies);
        self.answer(auth_answer(self.request_id(), auth, renewed->warnings), renewed->recorded);
      }));
}

bool is_unknown(const Error& error) noexcept {
  return error.code == ErrorCode::permission_denied || error.code == ErrorCode::not_found ||
         error.code == ErrorCode::invalid_argument;
}

// `unknown` answers for a token that nobody knows.
template <class Unknown>
void revoke(Exchange& x, api::TokenReference reference, bool children_live_on, Unknown unknown) {
  x.port().revoke_token(x.admission(), std::move(reference), children_live_on, 204,
                        x.finally<api::Changed>([unknown](Exchange& self, auto changed) {
                          if (changed.ok()) return self.answer(no_content(), changed->recorded);
                          if (is_unknown(changed.error())) return unknown(self, changed.error());
                          self.refuse(changed.error());
                        }));
}

}  // namespace

void token_renew_self(Exchange& x, std::string_view) {
  renew(x, own(), Named::self, std::make_shared<SecretBytes>(x.own_token()));
}

void token_renew(Exchange& x, std::string_view) {
  COFFER_FIELD(auto reference, x, by_token(x.fields()));
  auto text = std::make_shared<SecretBytes>(reference.token.clone());
  renew(x, std::move(reference), Named::token, std::move(text));
}

void token_renew_accessor(Exchange& x, std::string_view) {
  COFFER_FIELD(auto reference, x, by_accessor(x.fields()));
  renew(x, std::move(reference), Named::accessor, std::make_shared<SecretBytes>());
}

void token_revoke_self(Exchange& x, std::string_view) {
  revoke(x, own(), false, [](Exchange& self, const Error& error) { self.refuse(error); });
}

void token_revoke(Exchange& x, std::string_view) {
  COFFER_FIELD(auto reference, x, by_token(x.fields()));
  revoke(x, std::move(reference), false,
         [](Exchange& self, const Error&) { self.answer(no_content()); });
}

void token_revoke_orphan(Exchange& x, std::string_view) {
  COFFER_FIELD(auto reference, x, by_token(x.fields()));
  revoke(x, std::move(reference), true, [](Exchange& self, const Error&) {
    self.refuse(ErrorCode::invalid_argument, "token to revoke not found");
  });
}

void token_revoke_accessor(Exchange& x, std::string_view) {
  COFFER_FIELD(auto reference, x, by_accessor(x.fields()));
  revoke(x, std::move(reference), false, [](Exchange& self, const Error&) {
    self.answer(warning_answer(200, self.request_id(), {"No token found with this accessor"}));
  });
}

}  // namespace coffer::net::vault
