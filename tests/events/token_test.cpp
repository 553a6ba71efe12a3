// The life of a token: renewed, used up, revoked, expired.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <functional>

#include "events/token/token.h"

namespace coffer::token {
namespace {

constexpr Timestamp kNow{1'790'000'000'000'000'000};
constexpr Seconds kDay{86'400};

TokenState token_with(const std::function<void(TokenCreated&)>& change) {
  TokenCreated created;
  created.id = TokenId{{2}};
  created.created_time = kNow;
  created.ttl = Seconds{100};
  created.renewable = true;
  change(created);
  auto events = decide({}, CreateToken{created}, kNow);
  REQUIRE(events.ok());
  REQUIRE(*events == std::vector<Event>{created});
  auto state = evolve({}, events->front());
  REQUIRE(state.ok());
  return std::move(state).value();
}

TokenState after(TokenState state, const Command& command, Timestamp now) {
  auto events = decide(state, command, now);
  REQUIRE(events.ok());
  for (const auto& event : *events) {
    auto next = evolve(std::move(state), event);
    REQUIRE(next.ok());
    state = std::move(next).value();
  }
  return state;
}

TEST_CASE("a token is created once") {
  const auto state = token_with([](TokenCreated&) {});
  CHECK(state.is_live(kNow));
  CHECK(state.expire_time == kNow + Seconds{100});
  CHECK(decide(state, CreateToken{}, kNow).error().message ==
        "cannot create a token with a duplicate ID");
  CHECK(evolve(state, TokenCreated{}).error().code == ErrorCode::corrupt);
}

TEST_CASE("events of a token that was never created are corrupt") {
  CHECK(evolve({}, TokenRenewed{}).error().code == ErrorCode::corrupt);
  CHECK(evolve({}, TokenUsed{}).error().code == ErrorCode::corrupt);
  CHECK(evolve({}, TokenRevoked{}).error().code == ErrorCode::corrupt);
}

TEST_CASE("renewal") {
  struct Row {
    std::int64_t ttl, explicit_max, period, increment, system_max, at;
    std::int64_t expires;  // seconds after creation
  };
  const Row rows[] = {
      {100, 0, 0, 0, 1000, 50, 150},      // by the TTL it was created with
      {100, 0, 0, 70, 1000, 50, 120},     // by what was asked for
      {100, 0, 0, 20, 1000, 50, 70},      // which may shorten it
      {100, 0, 0, -5, 1000, 50, 150},     //
      {100, 0, 0, 5000, 1000, 50, 1000},  // never beyond the system's maximum since creation
      {100, 0, 0, 5000, 0, 50, 5050},     //
      {100, 120, 0, 70, 1000, 60, 120},   // or its own
      {100, 0, 100, 5, 120, 60, 160},     // a period is not cut by the system's maximum
      {100, 120, 100, 5, 1000, 60, 120},  // but by its own
  };
  for (const auto& row : rows) {
    CAPTURE(row.expires);
    const auto state = token_with([&](TokenCreated& c) {
      c.ttl = Seconds{row.ttl};
      c.explicit_max_ttl = Seconds{row.explicit_max};
      c.period = Seconds{row.period};
    });
    const auto now = kNow + Seconds{row.at};
    const auto renewed =
        after(state, RenewToken{Seconds{row.increment}, Seconds{row.system_max}, kDay}, now);
    CHECK(renewed.expire_time == kNow + Seconds{row.expires});
    CHECK(renewed.last_renewal_time == now);
  }
}

TEST_CASE("renewal refused") {
  const RenewToken renew{Seconds{10}, Seconds{1000}, kDay};
  const auto fixed = token_with([](TokenCreated& c) { c.renewable = false; });
  CHECK(decide(fixed, renew, kNow).error() ==
        fail(ErrorCode::invalid_argument, "lease is not renewable"));
  const auto state = token_with([](TokenCreated&) {});
  CHECK(decide(state, renew, kNow + Seconds{100}).error().code == ErrorCode::permission_denied);
  CHECK(decide({}, renew, kNow).error().code == ErrorCode::permission_denied);
  const auto revoked = after(state, RevokeToken{}, kNow);
  CHECK(decide(revoked, renew, kNow).error().code == ErrorCode::permission_denied);
  // The maximum was lowered since: a renewal must not move the expiry into the past.
  CHECK(decide(state, RenewToken{Seconds{10}, Seconds{20}, kDay}, kNow + Seconds{50}).error() ==
        fail(ErrorCode::invalid_argument, "past the max TTL, cannot renew"));
}

TEST_CASE("limited uses run out, unlimited ones leave no event") {
  auto state = token_with([](TokenCreated& c) { c.num_uses = 2; });
  state = after(state, UseToken{}, kNow);
  CHECK(state.uses_left == 1);
  CHECK(state.is_live(kNow));
  state = after(state, UseToken{}, kNow);
  CHECK_FALSE(state.is_live(kNow));
  CHECK(decide(state, UseToken{}, kNow).error().code == ErrorCode::permission_denied);
  const auto unlimited = token_with([](TokenCreated&) {});
  CHECK(decide(unlimited, UseToken{}, kNow)->empty());
}

TEST_CASE("revocation is final, and nothing to do for what is not there") {
  const auto state = token_with([](TokenCreated&) {});
  CHECK(*decide(state, RevokeToken{true}, kNow) == std::vector<Event>{TokenRevoked{kNow, true}});
  const auto revoked = after(state, RevokeToken{}, kNow);
  CHECK_FALSE(revoked.is_live(kNow));
  CHECK_FALSE(revoked.children_live_on);
  CHECK(decide(revoked, RevokeToken{true}, kNow)->empty());
  CHECK(decide({}, RevokeToken{}, kNow)->empty());
}

TEST_CASE("only a dead token is forgotten, and one whose absence brings nothing back") {
  const auto forgets = [](const TokenState& state, bool ancestor_is_dead, Timestamp now) {
    return *decide(state, ForgetToken{ancestor_is_dead}, now) ==
           std::vector<Event>{TokenForgotten{}};
  };
  const auto state = token_with([](TokenCreated&) {});
  const auto later = kNow + Seconds{100};
  CHECK_FALSE(forgets(state, false, kNow));
  CHECK(forgets(state, false, later));
  CHECK(forgets(state, true, kNow));
  CHECK(forgets(after(state, RevokeToken{}, kNow), false, kNow));
  CHECK_FALSE(forgets(after(state, RevokeToken{true}, kNow), false, later));
  CHECK_FALSE(forgets(token_with([](TokenCreated& c) { c.chosen_id = true; }), false, later));
  CHECK_FALSE(forgets({}, true, later));
  CHECK(after(state, ForgetToken{}, later) == TokenState{});
  CHECK(evolve({}, TokenForgotten{}).error().code == ErrorCode::corrupt);
}

TEST_CASE("seconds left are rounded up and never negative") {
  struct Row {
    std::int64_t now_ns, left;
  };
  const auto state = token_with([](TokenCreated& c) { c.created_time = {0}; });
  const Row rows[] = {{0, 100},
                      {1, 100},
                      {999'999'999, 100},
                      {1'000'000'000, 99},
                      {99'999'999'999, 1},
                      {100'000'000'000, 0},
                      {INT64_MAX, 0}};
  for (const auto& row : rows) CHECK(state.ttl_left({row.now_ns}) == Seconds{row.left});
  const auto longest = token_with([](TokenCreated& c) { c.ttl = Seconds{INT64_MAX}; });
  CHECK(longest.ttl_left({0}) == Seconds{9'223'372'037});
  CHECK(token_with([](TokenCreated& c) { c.ttl = {}; }).ttl_left(kNow) == Seconds{0});
}

// Small spans near each other, and now and then an enormous one.
Seconds any_span() {
  return *rc::gen::map(
      rc::gen::weightedOneOf<std::int64_t>(
          {{9, rc::gen::inRange<std::int64_t>(0, 2000)}, {1, rc::gen::arbitrary<std::int64_t>()}}),
      [](std::int64_t n) { return Seconds{n < 0 ? 0 : n}; });
}

TEST_CASE("property: no token outlives its maximum, however it is renewed") {
  REQUIRE(rc::check([] {
    const TokenLimits limits{Seconds{*rc::gen::inRange<std::int64_t>(1, 2000)},
                             Seconds{*rc::gen::inRange<std::int64_t>(1, 2000)}};
    TokenRequest request;
    request.policies = {"reader"};
    request.ttl = any_span();
    request.explicit_max_ttl = any_span();
    if (*rc::gen::arbitrary<bool>()) request.period = any_span();
    TokenState root;
    root.exists = true;
    root.policies = {"root"};
    const auto planned = plan_token(root, true, root.tenant, request, limits, kNow);
    RC_ASSERT(planned.ok());
    const auto& created = planned->created;
    RC_ASSERT(created.ttl.count > 0);
    const auto explicit_end = kNow + created.explicit_max_ttl;
    const auto system_end = kNow + limits.max_ttl;
    auto state = evolve({}, created);
    auto now = kNow;
    for (int i = *rc::gen::inRange(0, 20); i > 0; --i) {
      RC_ASSERT(state->expire_time.is_set());
      if (created.explicit_max_ttl.count > 0) RC_ASSERT(state->expire_time <= explicit_end);
      if (created.period.count == 0) RC_ASSERT(state->expire_time <= system_end);
      now = now + Seconds{*rc::gen::inRange<std::int64_t>(0, 300)};
      const RenewToken renew{any_span(), limits.max_ttl, limits.default_ttl};
      const auto events = decide(*state, renew, now);
      RC_ASSERT(state->is_live(now) || !events.ok());
      if (events.ok()) state = evolve(*state, events->front());
      RC_ASSERT(state.ok());
    }
  }));
}

}  // namespace
}  // namespace coffer::token
