// auth/token: creating tokens. The rules are the token aggregate's; here fields become a request.
#include <fmt/format.h>

#include <array>

#include "net/vault_api/handlers.h"
#include "net/vault_api/sys_json.h"
#include "net/vault_api/token_json.h"

namespace coffer::net::vault {
namespace {

constexpr std::size_t kTokenBytesMax = 512;

Result<SecretBytes> read_custom_id(const Fields& fields) {
  static constexpr std::array<std::string_view, 2> kReserved = {"s.", "hvs."};
  const auto* value = fields.find("id");
  if (value == nullptr || value->text().empty()) return SecretBytes{};
  for (const auto prefix : kReserved)
    if (value->text().starts_with(prefix))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("custom token ID cannot have the '{}' prefix", prefix));
  if (value->text().find('.') != std::string_view::npos)
    return fail(ErrorCode::invalid_argument, "custom token ID cannot contain a '.' character");
  if (value->text().size() > kTokenBytesMax)
    return fail(ErrorCode::invalid_argument, "custom token ID is too long");
  return SecretBytes(value->text());
}

// The part of a request that says how long the token lives.
Result<void> read_lifetime(const Fields& fields, token::TokenRequest& request) {
  COFFER_ASSIGN(request.ttl, fields.duration("ttl"));
  if (!request.ttl) {
    COFFER_ASSIGN(request.ttl, fields.duration("lease"));
  }
  COFFER_ASSIGN(const auto max_ttl, fields.duration("explicit_max_ttl"));
  COFFER_ASSIGN(const auto period, fields.duration("period"));
  COFFER_ASSIGN(const auto num_uses, fields.integer("num_uses"));
  COFFER_ASSIGN(const auto renewable, fields.boolean("renewable"));
  request.explicit_max_ttl = max_ttl.value_or(Seconds{0});
  request.period = period.value_or(Seconds{0});
  if (num_uses.value_or(0) < 0)
    return fail(ErrorCode::invalid_argument, "number of uses cannot be negative");
  request.num_uses = static_cast<std::uint64_t>(num_uses.value_or(0));
  // A null is as good as absent here: clients send it for "not set".
  const auto* value = fields.find("renewable");
  if (value != nullptr && !value->is_null()) request.renewable = renewable.value_or(true);
  return {};
}

Result<token::TokenRequest> read_request(const Fields& fields) {
  token::TokenRequest request;
  COFFER_ASSIGN(auto policies, fields.text_list("policies"));
  request.policies_given = policies.has_value() && !policies->empty();
  request.policies = std::move(policies).value_or(std::vector<std::string>{});
  COFFER_ASSIGN(auto meta, fields.text_map("meta"));
  request.meta = std::move(meta).value_or(token::TextMap{});
  COFFER_ASSIGN(const auto no_parent, fields.boolean("no_parent"));
  COFFER_ASSIGN(const auto no_default, fields.boolean("no_default_policy"));
  request.no_parent = no_parent.value_or(false);
  request.no_default_policy = no_default.value_or(false);
  COFFER_ASSIGN(auto display_name, fields.text("display_name"));
  request.display_name = std::move(display_name).value_or("");
  COFFER_ASSIGN(auto type, fields.text("type"));
  request.type = std::move(type).value_or("");
  COFFER_ASSIGN(auto alias, fields.text("entity_alias"));
  request.entity_alias = std::move(alias).value_or("");
  COFFER_TRY(read_lifetime(fields, request));
  return request;
}

void create(Exchange& x, bool orphan_endpoint, std::string_view role = {}) {
  const auto fields = x.fields();
  COFFER_FIELD(auto id, x, read_custom_id(fields));
  COFFER_FIELD(auto request, x, read_request(fields));
  request.custom_id = !id.empty();
  request.orphan_endpoint = orphan_endpoint;
  request.role = role;
  request.entity_alias_mount = token_auth_of(x.tenant()).accessor;
  x.port().create_token(x.admission(), std::move(request), std::move(id), 200,
                        x.then<api::TokenIssued>([](Exchange& self, api::TokenIssued issued) {
                          const auto auth = auth_block(issued.state, issued.token.expose_text(),
                                                       self.port().now(), issued.identity_policies);
                          self.answer(auth_answer(self.request_id(), auth, issued.warnings),
                                      issued.recorded);
                        }));
}

}  // namespace

void token_create(Exchange& x, std::string_view) {
  create(x, false);
}

void token_create_orphan(Exchange& x, std::string_view) {
  create(x, true);
}

void token_create_with_role(Exchange& x, std::string_view role) {
  create(x, false, role);
}

}  // namespace coffer::net::vault
