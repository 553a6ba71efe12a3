// principal_of of claim_rules.h.
#include <span>

#include "net/authn/claim_rules.h"

namespace coffer::authn {
namespace {

const json::Value* present(const json::Value* claim) noexcept {
  return claim != nullptr && !claim->is_null() ? claim : nullptr;
}

Judged<std::string> user_of(const json::Value& claims, const PrincipalRules& rules) {
  const json::Value* claim =
      present(rules.user_claim_is_pointer ? find_claim(claims, rules.user_claim)
                                          : claims.find(rules.user_claim));
  if (claim == nullptr) return refuse(TokenFault::claim_missing, rules.user_claim);
  if (!claim->is_string() || claim->text().empty())
    return refuse(TokenFault::claim_type, rules.user_claim);
  return std::string(claim->text());
}

// A single string is a list of one.
Judged<std::vector<std::string>> groups_of(const json::Value& claims, const std::string& name) {
  std::vector<std::string> groups;
  if (name.empty()) return groups;
  const json::Value* claim = present(find_claim(claims, name));
  if (claim == nullptr) return refuse(TokenFault::claim_missing, name);
  const auto values = claim->is_array() ? claim->items() : std::span(&claim, 1);
  if (values.size() > kGroupsMax) return refuse(TokenFault::too_large);
  for (const json::Value* group : values) {
    if (!group->is_string()) return refuse(TokenFault::claim_type, name);
    if (!group->text().empty()) groups.emplace_back(group->text());
  }
  return groups;
}

}  // namespace

Judged<Principal> principal_of(const json::Value& claims, const PrincipalRules& rules) {
  Principal principal;
  auto user = user_of(claims, rules);
  COFFER_JUDGE(user);
  principal.user = std::move(*user);
  auto groups = groups_of(claims, rules.groups_claim);
  COFFER_JUDGE(groups);
  principal.groups = std::move(*groups);
  for (const auto& [source, target] : rules.claim_mappings) {
    const json::Value* claim = present(find_claim(claims, source));
    if (claim == nullptr) continue;
    if (claim->is_array() || claim->is_object()) return refuse(TokenFault::claim_type, source);
    const bool is_flag = claim->kind() == json::Kind::boolean;
    principal.metadata.emplace_back(target, is_flag
                                                ? std::string(claim->boolean() ? "true" : "false")
                                                : std::string(claim->text()));
  }
  return principal;
}

}  // namespace coffer::authn
