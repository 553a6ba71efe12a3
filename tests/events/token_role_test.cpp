// Tokens created under a role: its lists replace the parent's, its limits shorten what was asked.
#include <doctest/doctest.h>

#include <functional>

#include "events/token/token.h"

namespace coffer::token {
namespace {

constexpr Timestamp kNow{1'790'000'000'000'000'000};
constexpr auto kBad = ErrorCode::invalid_argument;
constexpr TokenLimits kLimits{Seconds{100}, Seconds{1000}};
using Names = std::vector<std::string>;

TokenState parent_with(Names policies) {
  TokenState parent;
  parent.exists = true;
  parent.id = TokenId{{1}};
  parent.policies = std::move(policies);
  return parent;
}

struct Lists {
  Names allowed, allowed_glob, disallowed, disallowed_glob;
};
TokenRole role_of(const Lists& lists) {
  TokenRole role;
  role.allowed_policies = lists.allowed;
  role.allowed_policies_glob = lists.allowed_glob;
  role.disallowed_policies = lists.disallowed;
  role.disallowed_policies_glob = lists.disallowed_glob;
  return role;
}

Result<TokenPlan> plan(const TokenState& parent, TokenRequest request, const TokenRole& role) {
  request.role = "ci";
  return plan_token(parent, parent.is_root(), {}, request, kLimits, kNow, &role);
}

TEST_CASE("policies under a role") {
  struct Row {
    Names parent;
    Lists role;
    Names asked;
    Names got;
  };
  const Row rows[] = {
      {{"root"}, {{"testpolicy"}, {}, {}, {}}, {}, {"default", "testpolicy"}},
      {{"default"}, {{"a", "b"}, {}, {}, {}}, {}, {"a", "b", "default"}},
      {{"default"}, {{"a", "b"}, {}, {}, {}}, {" B "}, {"b", "default"}},
      {{"default"}, {{}, {"team-*"}, {}, {}}, {"team-x"}, {"default", "team-x"}},
      {{"default"}, {{"a"}, {"*-ro"}, {}, {}}, {"a", "x-ro"}, {"a", "default", "x-ro"}},
      // Only globs are allowed and nothing is asked for: there is nothing to take.
      {{"a"}, {{}, {"team-*"}, {}, {}}, {}, {"default"}},
      {{"a"}, {{}, {"team-*"}, {"default"}, {}}, {}, {}},
      // Nothing is allowed by name: what the parent has, or anything not disallowed.
      {{"a", "default"}, {{}, {}, {"b"}, {}}, {}, {"a", "default"}},
      {{"a"}, {{}, {}, {"b"}, {}}, {}, {"a", "default"}},
      {{"a"}, {{}, {}, {"b"}, {}}, {"c"}, {"c", "default"}},
      {{"a"}, {{}, {}, {"default"}, {}}, {"c"}, {"c"}},
      {{"a"}, {{}, {}, {}, {"def*"}}, {"c"}, {"c"}},
      {{"root"}, {{}, {}, {"b"}, {}}, {}, {"root"}},
      // A role without lists leaves the ordinary rule.
      {{"a", "b"}, {}, {"b"}, {"b"}},
      {{"root"}, {}, {"b"}, {"b", "default"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.got.size());
    TokenRequest request;
    request.policies = row.asked;
    const auto planned = plan(parent_with(row.parent), request, role_of(row.role));
    REQUIRE(planned.ok());
    CHECK(planned->created.policies == row.got);
  }
}

TEST_CASE("policies that a role refuses") {
  struct Row {
    Names parent;
    Lists role;
    Names asked;
    std::string message;
  };
  const Row rows[] = {
      {{"root"},
       {{"a"}, {"t-*"}, {}, {}},
       {"b"},
       "token policies ([\"b\" \"default\"]) must be subset of the role's allowed policies "
       "([\"a\" \"default\"]) or glob policies ([\"t-*\"])"},
      {{"root"}, {{"a"}, {}, {"a"}, {}}, {}, "token policy \"a\" is disallowed by this role"},
      {{"root"},
       {{}, {}, {}, {"*min"}},
       {"admin"},
       "token policy \"admin\" is disallowed by this role"},
      {{"root"},
       {{}, {}, {"default"}, {}},
       {"default"},
       "token policy \"default\" is disallowed by this role"},
      {{"a"},
       {{"root"}, {}, {}, {}},
       {},
       "root tokens may not be created without parent token being root"},
      {{"a"},
       {{"response-wrapping"}, {}, {}, {}},
       {},
       "cannot assign policy \"response-wrapping\""},
      {{"a"}, {}, {"b"}, "child policies must be subset of parent"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.message);
    TokenRequest request;
    request.policies = row.asked;
    const auto planned = plan(parent_with(row.parent), request, role_of(row.role));
    REQUIRE_FALSE(planned.ok());
    CHECK(planned.error() == fail(kBad, row.message));
  }
}

TEST_CASE("neither request nor role adds \"default\" when one of them says so") {
  auto role = role_of({{"a"}, {}, {}, {}});
  TokenRequest request;
  request.no_default_policy = true;
  CHECK(plan(parent_with({"b"}), request, role)->created.policies == Names{"a"});
  role.no_default_policy = true;
  CHECK(plan(parent_with({"b"}), {}, role)->created.policies == Names{"a"});
}

TEST_CASE("patterns of a role") {
  struct Row {
    std::string pattern;
    std::string name;
    bool matches;
  };
  const Row rows[] = {
      {"*", "a", true},          {"a*", "a", true},    {"a*", "ba", false},
      {"*a", "ba", true},        {"*a", "ab", false},  {"a*b*c", "a-b-b-c", true},
      {"a*b*c", "a-c-b", false}, {"a**b", "ab", true}, {"abc", "abcd", false},
      {"*aab", "aaaab", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.pattern);
    CAPTURE(row.name);
    auto role = role_of({{}, {row.pattern}, {"default"}, {}});
    TokenRequest request;
    request.policies = {row.name};
    CHECK(plan(parent_with({}), request, role).ok() == row.matches);
  }
}

TEST_CASE("the lesser of what is asked and what the role says") {
  struct Row {
    std::int64_t asked;
    std::int64_t of_role;
    std::int64_t got;
  };
  for (const auto& [asked, of_role, got] :
       {Row{0, 0, 0}, {50, 0, 50}, {0, 60, 60}, {50, 60, 50}, {70, 60, 60}}) {
    TokenRequest request;
    request.policies = {"a"};
    request.period = Seconds{asked};
    request.explicit_max_ttl = Seconds{asked};
    request.num_uses = static_cast<std::uint64_t>(asked);
    TokenRole role;
    role.period = Seconds{of_role};
    role.explicit_max_ttl = Seconds{of_role};
    role.num_uses = static_cast<std::uint64_t>(of_role);
    const auto planned = plan(parent_with({"root"}), request, role);
    REQUIRE(planned.ok());
    CHECK(planned->created.period == Seconds{got});
    CHECK(planned->created.explicit_max_ttl == Seconds{got});
    CHECK(planned->created.num_uses == static_cast<std::uint64_t>(got));
    CHECK(planned->created.ttl == Seconds{got == 0 ? 100 : got});
  }
}

TEST_CASE("parent, path and renewal are the role's to say") {
  TokenRole role;
  const auto child = plan(parent_with({"a"}), {}, role);
  REQUIRE(child.ok());
  CHECK(child->created.parent == TokenId{{1}});
  CHECK(child->created.path == "auth/token/create/ci");
  CHECK(child->created.renewable);
  role.orphan = true;
  role.renewable = false;
  role.path_suffix = "v1";
  role.period = Seconds{10};
  const auto orphan = plan(parent_with({"a"}), {}, role);
  REQUIRE(orphan.ok());
  CHECK(orphan->created.parent.is_zero());
  CHECK(orphan->created.path == "auth/token/create/ci/v1");
  CHECK_FALSE(orphan->created.renewable);
  // What needs sudo still does; no_parent means nothing under a role.
  TokenRequest request;
  request.no_parent = true;
  role.orphan = false;
  CHECK(plan(parent_with({"a"}), request, role)->created.parent == TokenId{{1}});
  request.period = Seconds{5};
  CHECK(plan(parent_with({"a"}), request, role).error() ==
        fail(kBad, "root or sudo privileges required to create periodic token"));
}

TEST_CASE("a role that is not there") {
  TokenRequest request;
  request.role = "nobody";
  CHECK(plan_token(parent_with({"root"}), true, {}, request, kLimits, kNow).error() ==
        fail(kBad, "unknown role nobody"));
}

TEST_CASE("a wrapping token can be used once and is nobody's child") {
  const auto created = wrapping_token(TenantId{{4}}, "secret/data/a", Seconds{60}, kNow);
  const auto state = evolve({}, created);
  REQUIRE(state.ok());
  CHECK(state->is_wrapping());
  CHECK(state->tenant == TenantId{{4}});
  CHECK(state->parent.is_zero());
  CHECK(state->path == "secret/data/a");
  CHECK(state->num_uses == 1);
  CHECK_FALSE(state->renewable);
  CHECK(state->expire_time == kNow + Seconds{60});
  const auto used = decide(*state, UseToken{}, kNow);
  REQUIRE(used.ok());
  const auto after = evolve(*state, used->front());
  REQUIRE(after.ok());
  CHECK_FALSE(decide(*after, UseToken{}, kNow).ok());
  CHECK_FALSE(decide(*state, UseToken{}, kNow + Seconds{60}).ok());
}

}  // namespace
}  // namespace coffer::token
