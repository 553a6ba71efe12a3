#include "events/token/token.h"

#include <fmt/format.h>
#include <algorithm>

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
  Result<std::vector<Event>> operator()(const ForgetToken& c) const {
    const bool is_dead = state.exists && (c.ancestor_is_dead || !state.is_live(now));
    if (!is_dead || state.chosen_id || (state.revoked && state.children_live_on))
      return std::vector<Event>{};
    return std::vector<Event>{TokenForgotten{}};
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
                       .renewable = e.renewable,
                       .chosen_id = e.chosen_id,
                       .entity = e.entity};
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
  Result<void> operator()(const TokenForgotten&) {
    if (!state.exists) return corrupt("forgotten token is not there");
    state = {};
    return {};
  }
};

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

}  // namespace coffer::token
