// Creating tokens: what a parent, and the role it names, may hand on and for how long.
#include <fmt/format.h>
#include <algorithm>
#include <set>

#include "events/token/token.h"

namespace coffer::token {
namespace {

Error invalid(std::string text) {
  return fail(ErrorCode::invalid_argument, std::move(text));
}

Result<void> check_allowed(const TokenState& parent, bool sudo, const TokenRequest& request) {
  if (parent.num_uses > 0) return invalid("restricted use token cannot generate child tokens");
  if (request.type == "batch")
    return fail(ErrorCode::unsupported, "batch tokens are not supported by this server");
  if (!request.type.empty() && request.type != "service" && request.type != "default")
    return invalid("invalid 'type' value");
  if (request.no_parent && !request.orphan_endpoint && request.role.empty() && !sudo)
    return invalid("root or sudo privileges required to create orphan token");
  if (request.custom_id && !sudo)
    return invalid("root or sudo privileges required to specify token id");
  if (request.period.count > 0 && !sudo)
    return invalid("root or sudo privileges required to create periodic token");
  if (request.ttl && request.ttl->count < 0) return invalid("ttl must be positive");
  if (request.explicit_max_ttl.count < 0) return invalid("explicit_max_ttl must be positive");
  if (request.period.count < 0) return invalid("period must be positive");
  return {};
}

std::set<std::string> clean_names(const std::vector<std::string>& names) {
  std::set<std::string> out;
  for (std::string_view name : names) {
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    std::string lower(name);
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!lower.empty()) out.insert(std::move(lower));
  }
  return out;
}

// '*' stands for any text.
bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t after_star = std::string_view::npos;  // in the pattern
  std::size_t taken = 0;                            // of the name, up to the end of the last star
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (after_star != std::string_view::npos) {
      p = after_star;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
bool matches_any(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches(pattern, name); });
}

bool limits_policies(const TokenRole& role) {
  return !role.allowed_policies.empty() || !role.disallowed_policies.empty() ||
         !role.allowed_policies_glob.empty() || !role.disallowed_policies_glob.empty();
}
bool disallows(const TokenRole& role, std::string_view name) {
  return holds(role.disallowed_policies, name) || matches_any(role.disallowed_policies_glob, name);
}

// ["a" "b"]
template <class Names>
std::string quoted(const Names& names) {
  std::string out = "[";
  for (const auto& name : names) {
    if (out.size() > 1) out.push_back(' ');
    out.append(1, '"').append(name).append(1, '"');
  }
  return out + "]";
}

// A role with lists replaces the rule that a child has no more than its parent.
Result<std::set<std::string>> plan_role_policies(const TokenState& parent,
                                                 const TokenRequest& request,
                                                 const TokenRole& role) {
  const bool adds_default =
      !request.no_default_policy && !role.no_default_policy && !disallows(role, "default");
  const auto with_default = [&](std::set<std::string> names) {
    if (names.contains("root")) return std::set<std::string>{"root"};
    if (adds_default) names.insert("default");
    return names;
  };
  const auto in_order = [](const std::vector<std::string>& names) {
    return std::set<std::string>(names.begin(), names.end());
  };
  auto wanted = clean_names(request.policies);
  if (!wanted.empty()) wanted = with_default(std::move(wanted));
  if (!role.allowed_policies.empty() || !role.allowed_policies_glob.empty()) {
    const auto allowed = with_default(in_order(role.allowed_policies));
    if (wanted.empty()) wanted = allowed;
    for (const auto& name : wanted)
      if (!allowed.contains(name) && !matches_any(role.allowed_policies_glob, name))
        return invalid(
            fmt::format("token policies ({}) must be subset of the role's allowed "
                        "policies ({}) or glob policies ({})",
                        quoted(wanted), quoted(allowed), quoted(role.allowed_policies_glob)));
  } else if (wanted.empty()) {
    wanted = with_default(in_order(parent.policies));
  }
  for (const auto& name : wanted)
    if (disallows(role, name))
      return invalid(fmt::format("token policy \"{}\" is disallowed by this role", name));
  return wanted;
}

// `no_default_policy` only keeps "default" from being added; asked for or inherited it stays.
Result<std::set<std::string>> plan_own_policies(const TokenState& parent, bool sudo,
                                                const TokenRequest& request) {
  std::set<std::string> owned(parent.policies.begin(), parent.policies.end());
  auto wanted = clean_names(request.policies);
  if (wanted.empty()) return owned;
  if (!sudo && !std::includes(owned.begin(), owned.end(), wanted.begin(), wanted.end()))
    return invalid("child policies must be subset of parent");
  // Whoever may not go beyond the parent does not get "default" beyond it either.
  if (!request.no_default_policy && !wanted.contains("root") && (sudo || owned.contains("default")))
    wanted.insert("default");
  return wanted;
}

Result<std::vector<std::string>> plan_policies(const TokenState& parent, bool sudo,
                                               const TokenRequest& request, const TokenRole* role) {
  COFFER_ASSIGN(const auto wanted, role != nullptr && limits_policies(*role)
                                       ? plan_role_policies(parent, request, *role)
                                       : plan_own_policies(parent, sudo, request));
  if (wanted.contains("root")) {
    if (!parent.is_root())
      return invalid("root tokens may not be created without parent token being root");
    return std::vector<std::string>{"root"};
  }
  if (wanted.contains(std::string(kWrappingPolicy)))
    return invalid("cannot assign policy \"response-wrapping\"");
  return std::vector<std::string>(wanted.begin(), wanted.end());
}

Result<void> plan_lifetime(TokenPlan& plan, const TokenState& parent, const TokenRequest& request,
                           const TokenLimits& limits) {
  auto& created = plan.created;
  const bool root = created.policies.size() == 1 && created.policies.front() == "root";
  auto ttl = request.period.count > 0 ? request.period : request.ttl.value_or(Seconds{0});
  if (ttl.count == 0) ttl = request.explicit_max_ttl;
  if (ttl.count == 0 && root) {
    if (parent.creation_ttl.count > 0)
      return invalid("expiring root tokens cannot create non-expiring root tokens");
    created.renewable = false;  // a root token without TTL never expires
    return {};
  }
  if (ttl.count == 0) ttl = limits.default_ttl.count > 0 ? limits.default_ttl : limits.max_ttl;
  if (ttl.count == 0) return fail(ErrorCode::internal, "the system has no default TTL for tokens");
  const auto cap = [&](Seconds limit) {
    if (limit.count == 0 || ttl <= limit) return;
    plan.warnings.push_back(
        fmt::format("TTL of \"{}\" exceeded the effective max_ttl of \"{}\"; TTL value is capped "
                    "accordingly",
                    to_go_duration(ttl), to_go_duration(limit)));
    ttl = limit;
  };
  cap(request.explicit_max_ttl);
  if (request.period.count == 0) cap(limits.max_ttl);
  created.ttl = ttl;
  created.renewable = request.renewable;
  return {};
}

// In lower case, as the role's patterns are.
Result<std::string> plan_entity_alias(const TokenRequest& request, const TokenRole* role) {
  if (request.entity_alias.empty()) return std::string{};
  if (role == nullptr)
    return invalid("'entity_alias' is only allowed in combination with token role");
  auto alias = identity::folded(request.entity_alias);
  if (!matches_any(role->allowed_entity_aliases, alias))
    return invalid("invalid 'entity_alias' value");
  return alias;
}

// What the role says of parent and life replaces or shortens what was asked for.
TokenRequest under_role(TokenRequest request, const TokenRole& role) {
  const auto lesser = [](auto asked, auto limit) {
    if (asked == decltype(asked){} || limit == decltype(limit){}) return std::max(asked, limit);
    return std::min(asked, limit);
  };
  request.no_parent = role.orphan;
  request.renewable = request.renewable && role.renewable;
  request.period = lesser(request.period, role.period);
  request.explicit_max_ttl = lesser(request.explicit_max_ttl, role.explicit_max_ttl);
  request.num_uses = lesser(request.num_uses, role.num_uses);
  return request;
}

std::string creation_path(const TokenRequest& request, const TokenRole* role) {
  if (role == nullptr)
    return request.orphan_endpoint ? "auth/token/create-orphan" : "auth/token/create";
  auto path = "auth/token/create/" + request.role;
  if (!role->path_suffix.empty()) path += "/" + role->path_suffix;
  return path;
}

}  // namespace

TokenCreated wrapping_token(TenantId tenant, std::string path, Seconds ttl, Timestamp now) {
  TokenCreated created;
  created.tenant = tenant;
  created.policies = {std::string(kWrappingPolicy)};
  created.path = std::move(path);
  created.created_time = now;
  created.ttl = ttl;
  created.explicit_max_ttl = ttl;
  created.num_uses = 1;
  return created;
}

std::vector<std::string> clean_policy_names(const std::vector<std::string>& names) {
  const auto clean = clean_names(names);
  return {clean.begin(), clean.end()};
}

Result<TokenPlan> plan_token(const TokenState& parent, bool parent_has_sudo, TenantId tenant,
                             const TokenRequest& asked, const TokenLimits& limits, Timestamp now,
                             const TokenRole* role) {
  if (asked.role.empty())
    role = nullptr;
  else if (role == nullptr)
    return invalid(fmt::format("unknown role {}", asked.role));
  COFFER_TRY(check_allowed(parent, parent_has_sudo, asked));
  const auto request = role == nullptr ? asked : under_role(asked, *role);
  TokenPlan plan;
  COFFER_ASSIGN(plan.created.policies, plan_policies(parent, parent_has_sudo, request, role));
  const bool root = plan.created.policies == std::vector<std::string>{"root"};
  if (root && tenant != parent.tenant)
    return invalid("root tokens may not be created from a parent namespace");
  plan.created.tenant = tenant;
  const bool orphan = request.no_parent || request.orphan_endpoint;
  plan.created.parent = orphan ? TokenId{} : parent.id;
  COFFER_ASSIGN(plan.entity_alias, plan_entity_alias(request, role));
  // A child is its parent's owner's, where that one is known.
  if (!orphan && tenant == parent.tenant) plan.created.entity = parent.entity;
  plan.created.meta = request.meta;
  plan.created.display_name =
      request.display_name.empty() ? "token" : "token-" + request.display_name;
  plan.created.path = creation_path(request, role);
  plan.created.created_time = now;
  plan.created.explicit_max_ttl = request.explicit_max_ttl;
  plan.created.period = request.period;
  plan.created.num_uses = request.num_uses;
  COFFER_TRY(plan_lifetime(plan, parent, request, limits));
  return plan;
}

}  // namespace coffer::token
