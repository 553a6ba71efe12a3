#include "events/token/token.h"

#include <fmt/format.h>
#include <algorithm>
#include <set>

namespace coffer::token {
namespace {

Error invalid(std::string text) {
  return fail(ErrorCode::invalid_argument, std::move(text));
}
Error corrupt(const char* what) {
  return fail(ErrorCode::corrupt, what);
}

struct Decider {
  const TokenState& state;
  Timestamp now;

  Result<std::vector<Event>> operator()(const CreateToken& c) const {
    if (state.exists) return invalid("cannot create a token with a duplicate ID");
    return std::vector<Event>{c.wanted};
  }
  Result<std::vector<Event>> operator()(const RenewToken& c) const {
    if (!state.is_live(now)) return fail(ErrorCode::permission_denied, "permission denied");
    if (!state.renewable) return invalid("lease is not renewable");
    auto ttl = state.period.count > 0 ? state.period : c.increment;
    if (ttl.count <= 0) ttl = state.creation_ttl.count > 0 ? state.creation_ttl : c.default_ttl;
    auto expire = now + ttl;
    // The longest life: from creation to max TTL; a period renews for ever unless explicit.
    const auto cap = [&](Seconds limit) {
      if (limit.count > 0) expire = std::min(expire, state.created_time + limit);
    };
    cap(state.explicit_max_ttl);
    if (state.period.count == 0) cap(c.system_max_ttl);
    if (expire <= now) return invalid("past the max TTL, cannot renew");
    return std::vector<Event>{TokenRenewed{now, expire}};
  }
  Result<std::vector<Event>> operator()(const UseToken&) const {
    if (!state.is_live(now)) return fail(ErrorCode::permission_denied, "permission denied");
    if (state.num_uses == 0) return std::vector<Event>{};
    return std::vector<Event>{TokenUsed{state.uses_left - 1}};
  }
  Result<std::vector<Event>> operator()(const RevokeToken& c) const {
    if (!state.exists || state.revoked) return std::vector<Event>{};
    return std::vector<Event>{TokenRevoked{now, c.children_live_on}};
  }
};

struct Evolver {
  TokenState& state;

  Result<void> operator()(const TokenCreated& e) {
    if (state.exists) return corrupt("token created twice");
    state = TokenState{.exists = true,
                       .revoked = false,
                       .children_live_on = false,
                       .id = e.id,
                       .accessor = e.accessor,
                       .tenant = e.tenant,
                       .parent = e.parent,
                       .policies = e.policies,
                       .meta = e.meta,
                       .display_name = e.display_name,
                       .path = e.path,
                       .created_time = e.created_time,
                       .expire_time = {},
                       .last_renewal_time = {},
                       .creation_ttl = e.ttl,
                       .explicit_max_ttl = e.explicit_max_ttl,
                       .period = e.period,
                       .num_uses = e.num_uses,
                       .uses_left = e.num_uses,
                       .renewable = e.renewable};
    if (e.ttl.count > 0) state.expire_time = e.created_time + e.ttl;
    return {};
  }
  Result<void> operator()(const TokenRenewed& e) {
    if (!state.exists) return corrupt("renewed token is not there");
    state.last_renewal_time = e.renewed_time;
    state.expire_time = e.expire_time;
    return {};
  }
  Result<void> operator()(const TokenUsed& e) {
    if (!state.exists) return corrupt("used token is not there");
    state.uses_left = e.uses_left;
    return {};
  }
  Result<void> operator()(const TokenRevoked& e) {
    if (!state.exists) return corrupt("revoked token is not there");
    state.revoked = true;
    state.children_live_on = e.children_live_on;
    return {};
  }
};

Result<void> check_allowed(const TokenState& parent, bool sudo, const TokenRequest& request) {
  if (parent.num_uses > 0) return invalid("restricted use token cannot generate child tokens");
  if (request.type == "batch")
    return fail(ErrorCode::unsupported, "batch tokens are not supported by this server");
  if (!request.type.empty() && request.type != "service" && request.type != "default")
    return invalid("invalid 'type' value");
  if (request.no_parent && !request.orphan_endpoint && !sudo)
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

// As Vault compares policy names: without surrounding blanks, in lower case, sorted, once each.
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

// `no_default_policy` only keeps "default" from being added; asked for or inherited it stays.
Result<std::vector<std::string>> plan_policies(const TokenState& parent, bool sudo,
                                               const TokenRequest& request) {
  const std::set<std::string> owned(parent.policies.begin(), parent.policies.end());
  auto wanted = clean_names(request.policies);
  const bool inherits = wanted.empty();
  if (inherits) {
    wanted = owned;
  } else if (!sudo && !std::includes(owned.begin(), owned.end(), wanted.begin(), wanted.end())) {
    return invalid("child policies must be subset of parent");
  }
  if (wanted.contains("root")) {
    if (!parent.is_root())
      return invalid("root tokens may not be created without parent token being root");
    return std::vector<std::string>{"root"};
  }
  if (wanted.contains("response-wrapping"))
    return invalid("cannot assign policy \"response-wrapping\"");
  // Whoever may not go beyond the parent does not get "default" beyond it either.
  if (!inherits && !request.no_default_policy && (sudo || owned.contains("default")))
    wanted.insert("default");
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

}  // namespace

Seconds TokenState::ttl_left(Timestamp now) const noexcept {
  if (!expire_time.is_set() || expire_time <= now) return Seconds{0};
  const std::int64_t left = expire_time.ns - now.ns;
  return Seconds{left / 1'000'000'000 + (left % 1'000'000'000 != 0 ? 1 : 0)};
}

Result<std::vector<Event>> decide(const TokenState& state, const Command& command, Timestamp now) {
  return std::visit(Decider{state, now}, command);
}

Result<TokenState> evolve(TokenState state, const Event& event) {
  auto fits = std::visit(Evolver{state}, event);
  if (!fits) return fits.error();
  return state;
}

Result<TokenPlan> plan_token(const TokenState& parent, bool parent_has_sudo, TenantId tenant,
                             const TokenRequest& request, const TokenLimits& limits,
                             Timestamp now) {
  COFFER_TRY(check_allowed(parent, parent_has_sudo, request));
  TokenPlan plan;
  COFFER_ASSIGN(plan.created.policies, plan_policies(parent, parent_has_sudo, request));
  const bool root = plan.created.policies == std::vector<std::string>{"root"};
  if (root && tenant != parent.tenant)
    return invalid("root tokens may not be created from a parent namespace");
  plan.created.tenant = tenant;
  const bool orphan = request.no_parent || request.orphan_endpoint;
  plan.created.parent = orphan ? TokenId{} : parent.id;
  plan.created.meta = request.meta;
  plan.created.display_name =
      request.display_name.empty() ? "token" : "token-" + request.display_name;
  plan.created.path = request.orphan_endpoint ? "auth/token/create-orphan" : "auth/token/create";
  plan.created.created_time = now;
  plan.created.explicit_max_ttl = request.explicit_max_ttl;
  plan.created.period = request.period;
  plan.created.num_uses = request.num_uses;
  COFFER_TRY(plan_lifetime(plan, parent, request, limits));
  return plan;
}

}  // namespace coffer::token
