// Entities, groups and aliases as JSON, and what their handlers share.
#pragma once

#include <functional>

#include "net/vault_api/exchange.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {

// Of an alias's mount: path and type, empty when the mount is gone.
struct AliasMount {
  std::string path;
  std::string type;
};
[[nodiscard]] AliasMount alias_mount(const api::TenantView& tenant, std::string_view accessor);
[[nodiscard]] bool knows_accessor(const api::TenantView& tenant, std::string_view accessor);

void write_entity(json::Writer& writer, const api::TenantView& tenant,
                  const api::EntityFound& found);
void write_group(json::Writer& writer, const api::TenantView& tenant, const api::GroupFound& found);
// `owner`: the entity or group that it belongs to.
void write_alias(json::Writer& writer, const api::TenantView& tenant, const identity::Alias& alias,
                 std::string_view owner);

// JSON null counts as absent: clients send it for what they do not set.
[[nodiscard]] bool is_given(const Fields& fields, std::string_view name);
[[nodiscard]] Result<std::optional<std::string>> read_text(const Fields& fields,
                                                           std::string_view name);
[[nodiscard]] Result<std::optional<identity::TextMap>> read_metadata(const Fields& fields,
                                                                     std::string_view name);
[[nodiscard]] Result<std::optional<std::vector<std::string>>> read_names(const Fields& fields,
                                                                         std::string_view name);
// Ids that are none are refused: invalid_argument.
template <class Id>
[[nodiscard]] Result<std::optional<std::vector<Id>>> read_ids(const Fields& fields,
                                                              std::string_view name,
                                                              std::string_view what) {
  COFFER_ASSIGN(const auto texts, read_names(fields, name));
  if (!texts) return std::optional<std::vector<Id>>{};
  std::vector<Id> out;
  for (const auto& text : *texts) {
    const auto id = identity::parse_id<Id>(text);
    if (!id)
      return fail(ErrorCode::invalid_argument,
                  "invalid " + std::string(what) + " ID \"" + text + "\"");
    out.push_back(*id);
  }
  return std::optional{std::move(out)};
}

// Of identity/lookup: what is asked for.
[[nodiscard]] Result<api::IdentityQuery> read_lookup(const Fields& fields);

// "after" and "limit" of a list. More than kListedMax names at once are refused, never cut.
inline constexpr std::size_t kListedMax = 100'000;
struct Page {
  std::string after;
  std::size_t limit = kListedMax + 1;
  bool is_limited = false;
};
[[nodiscard]] Result<Page> read_page(const Fields& fields);
[[nodiscard]] Result<void> check_listed(const Page& page, std::size_t found);
// Sorted names as a list's data; a 404 when there are none.
void answer_names(Exchange& x, std::vector<std::string> names);

}  // namespace coffer::net::vault
