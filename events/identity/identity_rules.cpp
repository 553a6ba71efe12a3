#include "events/identity/identity_rules.h"

#include <set>

namespace coffer::identity {

std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Error invalid(std::string text) {
  return fail(ErrorCode::invalid_argument, std::move(text));
}

Result<void> check_name(std::string_view name) {
  if (name.size() > kNameBytesMax)
    return invalid(fmt::format("a name can have {} bytes at most", kNameBytesMax));
  return {};
}

Result<void> check_metadata(const char* field, const TextMap& metadata) {
  if (metadata.size() > kMetadataPairsMax)
    return invalid(
        fmt::format("{} cannot contain more than {} key/value pairs", field, kMetadataPairsMax));
  for (const auto& [key, value] : metadata) {
    if (key.empty() || key.size() > kMetadataKeyBytesMax)
      return invalid(
          fmt::format("a key of {} must have 1 to {} bytes", field, kMetadataKeyBytesMax));
    if (value.size() > kMetadataValueBytesMax)
      return invalid(
          fmt::format("a value of {} can have {} bytes at most", field, kMetadataValueBytesMax));
  }
  return {};
}

Result<std::vector<std::string>> clean_policies(const std::vector<std::string>& names) {
  std::set<std::string> clean;
  for (std::string_view name : names) {
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name.empty()) continue;
    COFFER_TRY(check_name(name));
    clean.insert(folded(name));
  }
  if (clean.contains("root")) return invalid("policies cannot contain root");
  if (clean.size() > kPoliciesMax) return invalid(fmt::format("at most {} policies", kPoliciesMax));
  return std::vector<std::string>(clean.begin(), clean.end());
}

const Alias* find_alias(const Entity& entity, const AliasId& id) noexcept {
  const auto found = std::find_if(entity.aliases.begin(), entity.aliases.end(),
                                  [&](const Alias& alias) { return alias.id == id; });
  return found == entity.aliases.end() ? nullptr : &*found;
}

const Alias* find_alias_at(const Entity& entity, std::string_view mount_accessor) noexcept {
  const auto found =
      std::find_if(entity.aliases.begin(), entity.aliases.end(),
                   [&](const Alias& alias) { return alias.mount_accessor == mount_accessor; });
  return found == entity.aliases.end() ? nullptr : &*found;
}

Result<std::vector<GroupId>> with_groups_above(const Store& store, std::vector<GroupId> start) {
  std::set<GroupId> seen(start.begin(), start.end());
  while (!start.empty()) {
    const auto at = start.back();
    start.pop_back();
    COFFER_ASSIGN(const auto above, store.groups_of(at));
    for (const auto& id : above) {
      if (!seen.insert(id).second) continue;
      if (seen.size() > kGroupsWalkMax)
        return fail(ErrorCode::too_large,
                    fmt::format("more than {} groups above one", kGroupsWalkMax));
      start.push_back(id);
    }
  }
  return std::vector<GroupId>(seen.begin(), seen.end());
}

Result<Decision> decide(const Store& store, const Command& command, const FreshIds& fresh,
                        Timestamp now) {
  const Gathered in{store, fresh, now};
  return std::visit([&](const auto& c) { return decide(in, c); }, command);
}

}  // namespace coffer::identity
