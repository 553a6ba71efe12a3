// Checks that several commands share. Internal to events/identity.
#pragma once

#include <fmt/format.h>
#include <algorithm>

#include "events/identity/identity_decider.h"

namespace coffer::identity {

[[nodiscard]] Error invalid(std::string text);

[[nodiscard]] Result<void> check_name(std::string_view name);
[[nodiscard]] Result<void> check_metadata(const char* field, const TextMap& metadata);
// Lower case, sorted, once each. "root" is refused.
[[nodiscard]] Result<std::vector<std::string>> clean_policies(
    const std::vector<std::string>& names);
// "entity_1a2b3c4d": a name for what has none.
template <class Id>
[[nodiscard]] std::string made_up_name(std::string_view kind, const Id& id) {
  return fmt::format("{}_{}", kind, to_hex(id.view().first(4)));
}

[[nodiscard]] const Alias* find_alias(const Entity& entity, const AliasId& id) noexcept;
[[nodiscard]] const Alias* find_alias_at(const Entity& entity,
                                         std::string_view mount_accessor) noexcept;

template <class T>
void sort_unique(std::vector<T>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}
// Of sorted lists: what `after` has and `before` has not.
template <class T>
[[nodiscard]] std::vector<T> added(const std::vector<T>& before, const std::vector<T>& after) {
  std::vector<T> out;
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                      std::back_inserter(out));
  return out;
}

// An entity or group that an index names has to be there.
template <class T>
[[nodiscard]] Result<T> must_be(Found<T> found) {
  if (!found) return std::move(found).error();
  if (!*found) return fail(ErrorCode::corrupt, "the identity store names what is not there");
  return std::move(**found);
}

// entity_decider.cpp, alias_decider.cpp, group_decider.cpp
struct Gathered {
  const Store& store;
  const FreshIds& fresh;
  Timestamp now;
};
[[nodiscard]] Result<Decision> decide(const Gathered& in, const WriteEntity& c);
[[nodiscard]] Result<Decision> decide(const Gathered& in, const RemoveEntity& c);
[[nodiscard]] Result<Decision> decide(const Gathered& in, const RemoveEntities& c);
[[nodiscard]] Result<Decision> decide(const Gathered& in, const MergeEntities& c);
[[nodiscard]] Result<Decision> decide(const Gathered& in, const WriteAlias& c);
[[nodiscard]] Result<Decision> decide(const Gathered& in, const RemoveAlias& c);
[[nodiscard]] Result<Decision> decide(const Gathered& in, const WriteGroup& c);
[[nodiscard]] Result<Decision> decide(const Gathered& in, const RemoveGroup& c);
[[nodiscard]] Result<Decision> decide(const Gathered& in, const WriteGroupAlias& c);
[[nodiscard]] Result<Decision> decide(const Gathered& in, const RemoveGroupAlias& c);

}  // namespace coffer::identity
