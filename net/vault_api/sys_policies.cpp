// sys/policies/acl and the older sys/policy.
#include <algorithm>

#include "events/policy/policy_document.h"
#include "hsm/envelope_cipher.h"
#include "net/vault_api/handlers.h"

namespace coffer::net::vault {
namespace {

constexpr std::string_view kRoot = "root";
constexpr std::string_view kDefault = "default";
constexpr std::string_view kResponseWrapping = "response-wrapping";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// The text of a policy; root's is empty. Absent when there is no such policy.
std::optional<std::string_view> find_policy(const api::TenantView& tenant, std::string_view name) {
  if (name == kRoot) return std::string_view{};
  const auto found = tenant.policies.texts.find(std::string(name));
  if (found != tenant.policies.texts.end()) return found->second;
  if (name == kDefault) return policy::default_policy_text();
  return std::nullopt;
}

void write_names(json::Writer& writer, const api::TenantView& tenant) {
  writer.begin_array();
  if (!tenant.policies.texts.contains(std::string(kDefault))) writer.string(kDefault);
  for (const auto& [name, text] : tenant.policies.texts)
    if (name != kResponseWrapping) writer.string(name);
  writer.string(kRoot).end_array();
}

// The field `policy`, or the older `rules`. Vault takes base64 of the text as well.
Result<std::string> read_policy_text(const Fields& fields) {
  COFFER_ASSIGN(auto text, fields.text("policy"));
  if (!text || text->empty()) {
    COFFER_ASSIGN(text, fields.text("rules"));
  }
  if (!text || text->empty())
    return fail(ErrorCode::invalid_argument, "'policy' parameter not supplied or empty");
  const auto decoded = hsm::base64_decode(*text);
  if (decoded && !decoded->empty()) return std::string(decoded->expose_text());
  return std::move(*text);
}

}  // namespace

void sys_policies_list(Exchange& x, std::string_view) {
  x.answer_data(1024, [&](json::Writer& writer) {
    writer.begin_object().key("keys");
    write_names(writer, x.tenant());
    writer.end_object();
  });
}

void sys_policy_read(Exchange& x, std::string_view name) {
  const auto wanted = lower(name);
  const auto text = find_policy(x.tenant(), wanted);
  if (!text) return x.refuse(ErrorCode::not_found, {});
  x.answer_data(text->size() + 64, [&](json::Writer& writer) {
    writer.begin_object().key("name").string(wanted).key("policy").string(*text).end_object();
  });
}

void sys_policy_list_old(Exchange& x, std::string_view) {
  x.answer_injected([&](json::Writer& writer) {
    writer.begin_object().key("keys");
    write_names(writer, x.tenant());
    writer.key("policies");
    write_names(writer, x.tenant());
    writer.end_object();
  });
}

void sys_policy_read_old(Exchange& x, std::string_view name) {
  const auto wanted = lower(name);
  const auto text = find_policy(x.tenant(), wanted);
  if (!text) return x.refuse(ErrorCode::not_found, {});
  x.answer_injected([&](json::Writer& writer) {
    writer.begin_object().key("name").string(wanted).key("rules").string(*text).end_object();
  });
}

void sys_policy_write(Exchange& x, std::string_view name) {
  const auto stored = lower(name);
  const bool renamed = stored != name;
  COFFER_FIELD(auto text, x, read_policy_text(x.fields()));
  x.port().change_policies(
      x.admission(), policy::WritePolicy{stored, std::move(text)}, renamed ? 200 : 204,
      x.then<api::Changed>([renamed](Exchange& self, auto changed) {
        auto answer = renamed ? warning_answer(200, self.request_id(),
                                               {"policy name was converted to lowercase"})
                              : no_content();
        self.answer(std::move(answer), changed.recorded);
      }));
}

void sys_policy_remove(Exchange& x, std::string_view name) {
  x.port().change_policies(x.admission(), policy::RemovePolicy{lower(name)}, 204,
                           x.then_no_content<api::Changed>());
}

}  // namespace coffer::net::vault
