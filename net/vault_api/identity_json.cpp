#include "net/vault_api/identity_json.h"

#include <fmt/format.h>

#include <algorithm>

namespace coffer::net::vault {
namespace {

constexpr std::string_view kNamespaceOfRoot = "root";

void write_namespace(json::Writer& writer, const api::TenantView& tenant) {
  writer.key("namespace_id");
  if (tenant.path.empty())
    writer.string(kNamespaceOfRoot);
  else
    writer.string(tenant.id.to_string());
}

void write_map(json::Writer& writer, std::string_view key, const identity::TextMap& map) {
  writer.key(key);
  if (map.empty()) {
    writer.null();
    return;
  }
  writer.begin_object();
  for (const auto& [name, value] : map) writer.key(name).string(value);
  writer.end_object();
}

template <class Ids>
void write_ids(json::Writer& writer, std::string_view key, const Ids& ids) {
  writer.key(key).begin_array();
  for (const auto& id : ids) writer.string(id.to_string());
  writer.end_array();
}
template <class Ids>
void write_ids_or_null(json::Writer& writer, std::string_view key, const Ids& ids) {
  if (!ids.empty()) return write_ids(writer, key, ids);
  writer.key(key).null();
}

void write_texts(json::Writer& writer, std::string_view key,
                 const std::vector<std::string>& texts) {
  writer.key(key).begin_array();
  for (const auto& text : texts) writer.string(text);
  writer.end_array();
}

void write_times(json::Writer& writer, Timestamp created, Timestamp updated) {
  writer.key("creation_time").string(to_rfc3339_nano(created));
  writer.key("last_update_time").string(to_rfc3339_nano(updated));
}

}  // namespace

AliasMount alias_mount(const api::TenantView& tenant, std::string_view accessor) {
  if (const auto token = token_auth_of(tenant); token.accessor == accessor)
    return {"auth/" + token.path, token.type};
  for (const auto& mount : mounts_of(tenant))
    if (mount.accessor == accessor) return {mount.path, mount.type};
  return {};
}

bool knows_accessor(const api::TenantView& tenant, std::string_view accessor) {
  return !accessor.empty() && !alias_mount(tenant, accessor).path.empty();
}

void write_alias(json::Writer& writer, const api::TenantView& tenant, const identity::Alias& alias,
                 std::string_view owner) {
  const auto mount = alias_mount(tenant, alias.mount_accessor);
  writer.begin_object();
  writer.key("canonical_id").string(owner);
  write_times(writer, alias.created_time, alias.updated_time);
  write_map(writer, "custom_metadata", alias.custom_metadata);
  writer.key("id").string(alias.id.to_string());
  writer.key("local").boolean(false);
  write_ids_or_null(writer, "merged_from_canonical_ids", alias.merged_from);
  write_map(writer, "metadata", alias.metadata);
  writer.key("mount_accessor").string(alias.mount_accessor);
  writer.key("mount_path").string(mount.path);
  writer.key("mount_type").string(mount.type);
  writer.key("name").string(alias.name);
  write_namespace(writer, tenant);
  writer.end_object();
}

void write_entity(json::Writer& writer, const api::TenantView& tenant,
                  const api::EntityFound& found) {
  const auto& entity = found.entity;
  const auto id = entity.id.to_string();
  writer.begin_object();
  writer.key("aliases").begin_array();
  for (const auto& alias : entity.aliases) write_alias(writer, tenant, alias, id);
  writer.end_array();
  write_times(writer, entity.created_time, entity.updated_time);
  write_ids(writer, "direct_group_ids", found.direct_groups);
  writer.key("disabled").boolean(entity.disabled);
  write_ids(writer, "group_ids", found.groups);
  writer.key("id").string(id);
  std::vector<identity::GroupId> inherited;
  std::set_difference(found.groups.begin(), found.groups.end(), found.direct_groups.begin(),
                      found.direct_groups.end(), std::back_inserter(inherited));
  write_ids(writer, "inherited_group_ids", inherited);
  write_ids_or_null(writer, "merged_entity_ids", entity.merged);
  write_map(writer, "metadata", entity.metadata);
  writer.key("name").string(entity.name);
  write_namespace(writer, tenant);
  write_texts(writer, "policies", entity.policies);
  writer.end_object();
}

void write_group(json::Writer& writer, const api::TenantView& tenant,
                 const api::GroupFound& found) {
  const auto& group = found.group;
  const auto id = group.id.to_string();
  writer.begin_object();
  writer.key("alias");
  if (group.alias)
    write_alias(writer, tenant, *group.alias, id);
  else
    writer.begin_object().end_object();
  write_times(writer, group.created_time, group.updated_time);
  writer.key("id").string(id);
  write_ids(writer, "member_entity_ids", found.members.entities);
  write_ids_or_null(writer, "member_group_ids", found.members.groups);
  write_map(writer, "metadata", group.metadata);
  writer.key("modify_index").integer(1);
  writer.key("name").string(group.name);
  write_namespace(writer, tenant);
  write_ids_or_null(writer, "parent_group_ids", found.parents);
  write_texts(writer, "policies", group.policies);
  writer.key("type").string(group.external ? "external" : "internal");
  writer.end_object();
}

// ---------------------------------------------------------------- fields
bool is_given(const Fields& fields, std::string_view name) {
  const auto* value = fields.find(name);
  return value != nullptr && !value->is_null();
}

Result<std::optional<std::string>> read_text(const Fields& fields, std::string_view name) {
  if (!is_given(fields, name)) return std::optional<std::string>{};
  return fields.text(name);
}

Result<std::optional<identity::TextMap>> read_metadata(const Fields& fields,
                                                       std::string_view name) {
  if (!is_given(fields, name)) return std::optional<identity::TextMap>{};
  return fields.text_map(name);
}

Result<std::optional<std::vector<std::string>>> read_names(const Fields& fields,
                                                           std::string_view name) {
  if (!is_given(fields, name)) return std::optional<std::vector<std::string>>{};
  return fields.text_list(name);
}

// ---------------------------------------------------------------- lists
Result<Page> read_page(const Fields& fields) {
  Page page;
  COFFER_ASSIGN(auto after, read_text(fields, "after"));
  COFFER_ASSIGN(const auto limit, fields.integer("limit"));
  page.after = std::move(after).value_or("");
  if (limit.value_or(0) > 0 && *limit <= static_cast<std::int64_t>(kListedMax)) {
    page.limit = static_cast<std::size_t>(*limit);
    page.is_limited = true;
  }
  return page;
}

Result<void> check_listed(const Page& page, std::size_t found) {
  if (page.is_limited || found <= kListedMax) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("more than {} entries: list them by id with 'after' and 'limit'", kListedMax));
}

void answer_names(Exchange& x, std::vector<std::string> names) {
  if (names.empty()) return x.refuse(ErrorCode::not_found, {});
  std::sort(names.begin(), names.end());
  x.answer_data(40 * names.size(), [&](json::Writer& writer) {
    writer.begin_object().key("keys").begin_array();
    for (const auto& name : names) writer.string(name);
    writer.end_array().end_object();
  });
}

}  // namespace coffer::net::vault
