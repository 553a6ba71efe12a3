// auth/token/roles: what tokens created under a role's name may be. Fields become a change; the
// rules are the tenant's and the token aggregate's.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "net/vault_api/handlers.h"

namespace coffer::net::vault {
namespace {

using Names = std::vector<std::string>;

// Limits that this server would not keep: they are refused, never ignored.
Result<void> refuse_unsupported(const Fields& fields) {
  static constexpr std::array<std::string_view, 6> kUnsupported = {
      "bound_cidrs",    "token_bound_cidrs",      "token_max_ttl",
      "token_policies", "token_strictly_bind_ip", "token_ttl"};
  for (const auto name : kUnsupported) {
    const auto* value = fields.find(name);
    if (value == nullptr || value->is_null()) continue;
    const bool says_nothing = value->is_array()    ? value->items().empty()
                              : value->is_string() ? value->text().empty()
                              : value->kind() == json::Kind::number
                                  ? value->text() == "0"
                                  : value->kind() == json::Kind::boolean && !value->boolean();
    if (!says_nothing)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("'{}' is not supported by this server", name));
  }
  COFFER_ASSIGN(const auto type, fields.text("token_type"));
  if (!type || type->empty() || *type == "service" || *type == "default" ||
      *type == "default-service")
    return {};
  if (*type == "batch" || *type == "default-batch")
    return fail(ErrorCode::invalid_argument, "batch tokens are not supported by this server");
  return fail(ErrorCode::invalid_argument, fmt::format("invalid 'token_type' value \"{}\"", *type));
}

// JSON null counts as absent: clients send it for what they do not set.
bool given(const Fields& fields, std::string_view name) {
  const auto* value = fields.find(name);
  return value != nullptr && !value->is_null();
}

Result<std::optional<Names>> read_names(const Fields& fields, std::string_view name) {
  if (!given(fields, name)) return std::optional<Names>{};
  COFFER_ASSIGN(const auto names, fields.text_list(name));
  return std::optional{token::clean_policy_names(names.value_or(Names{}))};
}

// The old name of the field counts when the new one is not there.
Result<std::optional<Seconds>> read_span(const Fields& fields, std::string_view name,
                                         std::string_view old_name) {
  return fields.duration(given(fields, name) ? name : old_name);
}

Result<std::optional<bool>> read_flag(const Fields& fields, std::string_view name) {
  if (!given(fields, name)) return std::optional<bool>{};
  return fields.boolean(name);
}

Result<tenant::WriteTokenRole> read_change(const Fields& fields, std::string_view name) {
  COFFER_TRY(refuse_unsupported(fields));
  tenant::WriteTokenRole change;
  change.name = name;
  COFFER_ASSIGN(change.allowed_policies, read_names(fields, "allowed_policies"));
  COFFER_ASSIGN(change.disallowed_policies, read_names(fields, "disallowed_policies"));
  COFFER_ASSIGN(change.allowed_policies_glob, read_names(fields, "allowed_policies_glob"));
  COFFER_ASSIGN(change.disallowed_policies_glob, read_names(fields, "disallowed_policies_glob"));
  COFFER_ASSIGN(change.allowed_entity_aliases, read_names(fields, "allowed_entity_aliases"));
  COFFER_ASSIGN(change.orphan, read_flag(fields, "orphan"));
  COFFER_ASSIGN(change.renewable, read_flag(fields, "renewable"));
  COFFER_ASSIGN(change.no_default_policy, read_flag(fields, "token_no_default_policy"));
  if (given(fields, "path_suffix")) {
    COFFER_ASSIGN(change.path_suffix, fields.text("path_suffix"));
  }
  COFFER_ASSIGN(change.period, read_span(fields, "token_period", "period"));
  COFFER_ASSIGN(change.explicit_max_ttl,
                read_span(fields, "token_explicit_max_ttl", "explicit_max_ttl"));
  COFFER_ASSIGN(const auto num_uses, fields.integer("token_num_uses"));
  if (num_uses.value_or(0) < 0)
    return fail(ErrorCode::invalid_argument, "'token_num_uses' cannot be negative");
  if (given(fields, "token_num_uses"))
    change.num_uses = static_cast<std::uint64_t>(num_uses.value_or(0));
  return change;
}

void write_names(json::Writer& writer, std::string_view key, const Names& names) {
  writer.key(key).begin_array();
  for (const auto& name : names) writer.string(name);
  writer.end_array();
}

void write_role(json::Writer& writer, std::string_view name, const token::TokenRole& role) {
  writer.begin_object();
  write_names(writer, "allowed_entity_aliases", role.allowed_entity_aliases);
  write_names(writer, "allowed_policies", role.allowed_policies);
  write_names(writer, "allowed_policies_glob", role.allowed_policies_glob);
  write_names(writer, "disallowed_policies", role.disallowed_policies);
  write_names(writer, "disallowed_policies_glob", role.disallowed_policies_glob);
  writer.key("explicit_max_ttl").integer(role.explicit_max_ttl.count);
  writer.key("name").string(name);
  writer.key("orphan").boolean(role.orphan);
  writer.key("path_suffix").string(role.path_suffix);
  writer.key("period").integer(role.period.count);
  writer.key("renewable").boolean(role.renewable);
  write_names(writer, "token_bound_cidrs", {});
  writer.key("token_explicit_max_ttl").integer(role.explicit_max_ttl.count);
  writer.key("token_no_default_policy").boolean(role.no_default_policy);
  writer.key("token_num_uses").unsigned_integer(role.num_uses);
  writer.key("token_period").integer(role.period.count);
  writer.key("token_type").string("default-service");
  writer.end_object();
}

}  // namespace

void token_roles_list(Exchange& x, std::string_view) {
  const auto& roles = x.tenant().state.token_roles;
  if (roles.empty()) return x.refuse(ErrorCode::not_found, {});
  x.answer_data(32 * roles.size(), [&](json::Writer& writer) {
    writer.begin_object().key("keys").begin_array();
    for (const auto& [name, role] : roles) writer.string(name);
    writer.end_array().end_object();
  });
}

void token_role_read(Exchange& x, std::string_view name) {
  const auto& roles = x.tenant().state.token_roles;
  const auto found = roles.find(std::string(name));
  if (found == roles.end()) return x.refuse(ErrorCode::not_found, {});
  x.answer_data(1024,
                [&](json::Writer& writer) { write_role(writer, found->first, found->second); });
}

void token_role_write(Exchange& x, std::string_view name) {
  COFFER_FIELD(auto change, x, read_change(x.fields(), name));
  x.port().change_tenant(x.admission(), std::move(change), 204, x.then_no_content<api::Changed>());
}

void token_role_remove(Exchange& x, std::string_view name) {
  x.port().change_tenant(x.admission(), tenant::RemoveTokenRole{std::string(name)}, 204,
                         x.then_no_content<api::Changed>());
}

}  // namespace coffer::net::vault
