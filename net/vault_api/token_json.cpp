#include "net/vault_api/token_json.h"

#include <algorithm>

namespace coffer::net::vault {
namespace {

void write_names(json::Writer& writer, const std::vector<std::string>& names) {
  writer.begin_array();
  for (const auto& name : names) writer.string(name);
  writer.end_array();
}

void write_map(json::Writer& writer, const token::TextMap& map) {
  if (map.empty()) {
    writer.null();
    return;
  }
  writer.begin_object();
  for (const auto& [key, value] : map) writer.key(key).string(value);
  writer.end_object();
}

void write_times(json::Writer& writer, const token::TokenState& state) {
  writer.key("expire_time");
  if (!state.expire_time.is_set()) {
    writer.null();
    return;
  }
  writer.string(to_rfc3339_nano(state.expire_time));
  writer.key("issue_time").string(to_rfc3339_nano(state.created_time));
  writer.key("renewable").boolean(state.renewable);
  if (!state.last_renewal_time.is_set()) return;
  writer.key("last_renewal").string(to_rfc3339_nano(state.last_renewal_time));
  writer.key("last_renewal_time").integer(state.last_renewal_time.seconds());
}

// The role that the token was created with, from the path that it was created at.
std::string_view role_of(const token::TokenState& state) {
  constexpr std::string_view kPrefix = "auth/token/create/";
  std::string_view path = state.path;
  if (!path.starts_with(kPrefix)) return {};
  path.remove_prefix(kPrefix.size());
  return path.substr(0, path.find('/'));
}

std::string entity_of(const token::TokenState& state) {
  return state.entity.is_zero() ? std::string{} : state.entity.to_string();
}

std::vector<std::string> united(const std::vector<std::string>& a,
                                const std::vector<std::string>& b) {
  std::vector<std::string> out;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

}  // namespace

SecretBytes auth_block(const token::TokenState& state, std::string_view token, Timestamp now,
                       const std::vector<std::string>& identity_policies) {
  SecretBytes out;
  out.reserve(512 + token.size() + 2 * 32 * state.policies.size());
  json::Writer writer(out);
  writer.begin_object().key("client_token").string(token);
  writer.key("accessor").string(state.accessor);
  writer.key("policies");
  write_names(writer, united(state.policies, identity_policies));
  writer.key("token_policies");
  write_names(writer, state.policies);
  if (!identity_policies.empty()) write_names(writer.key("identity_policies"), identity_policies);
  writer.key("metadata");
  write_map(writer, state.meta);
  writer.key("lease_duration").integer(state.ttl_left(now).count);
  writer.key("renewable").boolean(state.renewable);
  writer.key("entity_id").string(entity_of(state));
  writer.key("token_type").string("service");
  writer.key("orphan").boolean(state.parent.is_zero());
  writer.key("mfa_requirement").null();
  writer.key("num_uses").unsigned_integer(state.num_uses);
  writer.end_object();
  return out;
}

void write_lookup(json::Writer& writer, const api::TokenFound& found, std::string_view token,
                  Timestamp now) {
  const auto& state = found.state;
  writer.begin_object();
  writer.key("accessor").string(state.accessor);
  writer.key("creation_time").integer(state.created_time.seconds());
  writer.key("creation_ttl").integer(state.creation_ttl.count);
  writer.key("display_name").string(state.display_name);
  writer.key("entity_id").string(entity_of(state));
  write_times(writer, state);
  writer.key("explicit_max_ttl").integer(state.explicit_max_ttl.count);
  writer.key("id").string(token);
  if (!found.identity_policies.empty())
    write_names(writer.key("identity_policies"), found.identity_policies);
  writer.key("meta");
  write_map(writer, state.meta);
  if (!found.namespace_path.empty()) writer.key("namespace_path").string(found.namespace_path);
  writer.key("num_uses").unsigned_integer(state.num_uses == 0 ? 0 : state.uses_left);
  writer.key("orphan").boolean(state.parent.is_zero());
  writer.key("path").string(state.path);
  if (state.period.count > 0) writer.key("period").integer(state.period.count);
  writer.key("policies");
  write_names(writer, state.policies);
  if (const auto role = role_of(state); !role.empty()) writer.key("role").string(role);
  writer.key("ttl").integer(state.ttl_left(now).count);
  writer.key("type").string("service");
  writer.end_object();
}

}  // namespace coffer::net::vault
