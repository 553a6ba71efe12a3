// sys/policies/password: how passwords are made, and making them.
#include "events/policy/password_policy.h"
#include "hsm/envelope_cipher.h"
#include "net/vault_api/handlers.h"

namespace coffer::net::vault {
namespace {

// Vault takes base64 of the text as well.
Result<std::string> read_text(const Fields& fields) {
  COFFER_ASSIGN(auto text, fields.text("policy"));
  if (!text || text->empty()) return fail(ErrorCode::invalid_argument, "missing policy");
  const auto decoded = hsm::base64_decode(*text);
  if (decoded && !decoded->empty()) return std::string(decoded->expose_text());
  return std::move(*text);
}

const std::string* find_text(const Exchange& x, std::string_view name) {
  const auto& policies = x.tenant().state.password_policies;
  const auto found = policies.find(std::string(name));
  return found == policies.end() ? nullptr : &found->second;
}

}  // namespace

void sys_password_policies_list(Exchange& x, std::string_view) {
  const auto& policies = x.tenant().state.password_policies;
  if (policies.empty()) return x.refuse(ErrorCode::not_found, {});
  x.answer_data(32 * policies.size(), [&](json::Writer& writer) {
    writer.begin_object().key("keys").begin_array();
    for (const auto& [name, text] : policies) writer.string(name);
    writer.end_array().end_object();
  });
}

void sys_password_policy_read(Exchange& x, std::string_view name) {
  const auto* text = find_text(x, name);
  if (text == nullptr) return x.refuse(ErrorCode::not_found, {});
  x.answer_data(text->size() + 32, [&](json::Writer& writer) {
    writer.begin_object().key("policy").string(*text).end_object();
  });
}

void sys_password_policy_write(Exchange& x, std::string_view name) {
  COFFER_FIELD(auto text, x, read_text(x.fields()));
  COFFER_FIELD(const auto policy, x, policy::parse_password_policy(text));
  COFFER_FIELD_CHECK(x, policy::check_generates(policy, x.random()));
  x.port().change_tenant(x.admission(),
                         tenant::WritePasswordPolicy{std::string(name), std::move(text)}, 204,
                         x.then_no_content<api::Changed>());
}

void sys_password_policy_remove(Exchange& x, std::string_view name) {
  x.port().change_tenant(x.admission(), tenant::RemovePasswordPolicy{std::string(name)}, 204,
                         x.then_no_content<api::Changed>());
}

void sys_password_generate(Exchange& x, std::string_view name) {
  const auto* text = find_text(x, name);
  if (text == nullptr) return x.refuse(ErrorCode::not_found, {});
  COFFER_FIELD(const auto policy, x, policy::parse_password_policy(*text));
  COFFER_FIELD(const auto password, x, policy::generate_password(policy, x.random()));
  x.answer_data(password.size() * 2 + 32, [&](json::Writer& writer) {
    writer.begin_object().key("password").string(password.expose_text()).end_object();
  });
}

}  // namespace coffer::net::vault
