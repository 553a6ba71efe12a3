#include "tests/sim/vault_model.h"

namespace coffer::sim {

std::string policy_text(Grant grant) {
  switch (grant) {
    case Grant::everything:
      return "path \"*\" { capabilities = [\"create\",\"read\",\"update\",\"patch\",\"delete\","
             "\"list\",\"sudo\"] }";
    case Grant::reading:
      return R"(path "*" { capabilities = ["read","list"] })";
    case Grant::nothing:
      break;
  }
  return R"(path "*" { capabilities = ["deny"] })";
}

bool TokenModel::live(Timestamp now) const {
  if (home->gone || !state.is_live(now)) return false;
  for (auto at = parent; at; at = at->parent) {
    if (at->state.revoked && at->state.children_live_on) return true;
    if (at->home->gone || !at->state.is_live(now)) return false;
  }
  return true;
}

bool TokenModel::any_unsure() const {
  for (const auto* at = this; at != nullptr; at = at->parent.get())
    if (at->unsure || at->home->unsure) return true;
  return false;
}

bool VaultModel::is_foreign(const TokenModel& token, const NamespaceModel& where) {
  return !where.path.starts_with(token.home->path);
}

std::optional<bool> VaultModel::allows(const TokenModel& token, const NamespaceModel& where,
                                       bool writes, Timestamp now) const {
  if (token.any_unsure() || where.unsure || where.gone) return std::nullopt;
  if (is_foreign(token, where) || !token.live(now)) return false;
  if (token.state.is_root()) return true;
  bool granted = false;
  bool denied = false;
  for (const auto& name : token.state.policies) {
    const auto found = token.home->policies.find(name);
    if (found == token.home->policies.end()) continue;
    if (found->second.size() != 1) return std::nullopt;
    const auto grant = *found->second.begin();
    if (!grant) continue;
    denied |= *grant == Grant::nothing;
    granted |= *grant == Grant::everything || (*grant == Grant::reading && !writes);
  }
  return granted && !denied;
}

}  // namespace coffer::sim
