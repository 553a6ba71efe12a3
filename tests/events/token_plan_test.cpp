// The rules of creating a token: what a parent may hand on, and how long the child lives.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <functional>

#include "events/token/token.h"

namespace coffer::token {
namespace {

constexpr Timestamp kNow{1'790'000'000'000'000'000};
constexpr Seconds kDay{86'400};
constexpr TokenLimits kLimits{kDay, Seconds{30 * 86'400}};
const TenantId kTenant{{7}};

TokenState parent_with(std::vector<std::string> policies) {
  TokenState parent;
  parent.exists = true;
  parent.id = TokenId{{1}};
  parent.tenant = kTenant;
  parent.policies = std::move(policies);
  return parent;
}
TokenState root() {
  return parent_with({"root"});
}
TokenState reader() {
  return parent_with({"default", "reader"});
}

TokenRequest asking(const std::function<void(TokenRequest&)>& change) {
  TokenRequest request;
  change(request);
  return request;
}

Result<TokenPlan> plan(const TokenState& parent, bool sudo, const TokenRequest& request,
                       const TokenLimits& limits = kLimits) {
  return plan_token(parent, sudo, kTenant, request, limits, kNow);
}

using R = TokenRequest;
constexpr auto kBad = ErrorCode::invalid_argument;

struct Refusal {
  TokenState parent;
  bool sudo;
  std::function<void(R&)> request;
  ErrorCode code;
  std::string message;
};

void check_refused(const Refusal& row) {
  CAPTURE(row.message);
  const auto planned = plan(row.parent, row.sudo, asking(row.request));
  REQUIRE_FALSE(planned.ok());
  CHECK(planned.error() == fail(row.code, row.message));
}

TEST_CASE("kinds of tokens that a parent may not create") {
  auto limited = reader();
  limited.num_uses = 3;
  auto expiring_root = root();
  expiring_root.creation_ttl = kDay;
  const Refusal rows[] = {
      {limited, true, [](R&) {}, kBad, "restricted use token cannot generate child tokens"},
      {reader(), true, [](R& r) { r.type = "batch"; }, ErrorCode::unsupported,
       "batch tokens are not supported by this server"},
      {reader(), true, [](R& r) { r.type = "recovery"; }, kBad, "invalid 'type' value"},
      {reader(), false, [](R& r) { r.no_parent = true; }, kBad,
       "root or sudo privileges required to create orphan token"},
      {reader(), false, [](R& r) { r.custom_id = true; }, kBad,
       "root or sudo privileges required to specify token id"},
      {reader(), false, [](R& r) { r.period = kDay; }, kBad,
       "root or sudo privileges required to create periodic token"},
      {reader(), true, [](R& r) { r.ttl = Seconds{-1}; }, kBad, "ttl must be positive"},
      {reader(), true, [](R& r) { r.explicit_max_ttl = Seconds{-1}; }, kBad,
       "explicit_max_ttl must be positive"},
      {reader(), true, [](R& r) { r.period = Seconds{-1}; }, kBad, "period must be positive"},
      {expiring_root, true, [](R&) {}, kBad,
       "expiring root tokens cannot create non-expiring root tokens"},
  };
  for (const auto& row : rows) check_refused(row);
}

TEST_CASE("policies that a parent may not hand on") {
  const auto no_default = parent_with({"reader"});
  const std::string subset = "child policies must be subset of parent";
  const std::string root_only = "root tokens may not be created without parent token being root";
  const Refusal rows[] = {
      {reader(), false, [](R& r) { r.policies = {"writer"}; }, kBad, subset},
      {reader(), false,
       [](R& r) {
         r.policies = {"reader", "writer"};
       },
       kBad, subset},
      {reader(), false, [](R& r) { r.policies = {"root"}; }, kBad, subset},
      {no_default, false, [](R& r) { r.policies = {"default"}; }, kBad, subset},
      {reader(), true, [](R& r) { r.policies = {"root"}; }, kBad, root_only},
      {reader(), true,
       [](R& r) {
         r.policies = {"reader", " ROOT "};
       },
       kBad, root_only},
      {root(), true, [](R& r) { r.policies = {"response-wrapping"}; }, kBad,
       "cannot assign policy \"response-wrapping\""},
  };
  for (const auto& row : rows) check_refused(row);
}

TEST_CASE("policies of a child") {
  using Names = std::vector<std::string>;
  struct Row {
    Names parent;
    bool sudo;
    Names asked;
    bool no_default;
    Names got;
  };
  const Row rows[] = {
      {{"default", "reader"}, false, {}, false, {"default", "reader"}},
      {{"default", "reader"}, false, {"reader"}, false, {"default", "reader"}},
      {{"default", "reader"}, false, {"reader"}, true, {"reader"}},
      {{"default", "reader"}, false, {"reader", "reader"}, true, {"reader"}},
      {{"default", "reader"}, false, {" Reader ", ""}, true, {"reader"}},
      // Asked for or inherited, "default" stays; no_default_policy only keeps it from being added.
      {{"default", "reader"}, false, {"default"}, true, {"default"}},
      {{"default"}, false, {}, true, {"default"}},
      // A parent without "default" does not hand it on, unless it may hand on anything.
      {{"reader"}, false, {}, false, {"reader"}},
      {{"reader"}, false, {"reader"}, false, {"reader"}},
      {{"reader"}, true, {"reader"}, false, {"default", "reader"}},
      {{"reader"}, true, {"writer"}, false, {"default", "writer"}},
      {{"reader"}, true, {"writer", "admin"}, true, {"admin", "writer"}},
      {{"root"}, true, {}, false, {"root"}},
      {{"root"}, true, {"root", "reader"}, false, {"root"}},
      {{"root"}, true, {"reader"}, false, {"default", "reader"}},
      {{}, false, {}, false, {}},
  };
  for (const auto& row : rows) {
    const auto planned = plan(parent_with(row.parent), row.sudo, asking([&](TokenRequest& r) {
                                r.policies = row.asked;
                                r.no_default_policy = row.no_default;
                              }));
    REQUIRE(planned.ok());
    CHECK(planned->created.policies == row.got);
  }
}

TEST_CASE("a root token of a child namespace is not created from the parent") {
  const TenantId child{{8}};
  const auto refused = plan_token(root(), true, child, {}, kLimits, kNow);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error() == fail(ErrorCode::invalid_argument,
                                "root tokens may not be created from a parent namespace"));
  const auto planned = plan_token(
      root(), true, child, asking([](TokenRequest& r) { r.policies = {"reader"}; }), kLimits, kNow);
  REQUIRE(planned.ok());
  CHECK(planned->created.tenant == child);
}

TEST_CASE("lifetime of a child") {
  const TokenLimits limits{Seconds{100}, Seconds{1000}};
  const std::string capped =
      "TTL of \"33m20s\" exceeded the effective max_ttl of \"16m40s\"; TTL value is capped "
      "accordingly";
  struct Row {
    std::int64_t ttl, explicit_max, period, got;
    std::size_t warnings;
  };
  const Row rows[] = {
      {0, 0, 0, 100, 0},      // the system's default
      {50, 0, 0, 50, 0},      //
      {1000, 0, 0, 1000, 0},  //
      {2000, 0, 0, 1000, 1},  // capped by the system
      {0, 60, 0, 60, 0},      // an explicit maximum is the default
      {0, 500, 0, 500, 0},    //
      {0, 2000, 0, 1000, 1},  //
      {500, 60, 0, 60, 1},    // capped by itself
      {50, 60, 0, 50, 0},     //
      {0, 0, 300, 300, 0},    // a period
      {50, 0, 300, 300, 0},   // is the TTL
      {0, 0, 5000, 5000, 0},  // and may go beyond the system's maximum
      {0, 60, 300, 60, 1},    // but not beyond its own
  };
  for (const auto& row : rows) {
    const auto planned = plan(root(), true, asking([&](TokenRequest& r) {
                                r.policies = {"reader"};
                                if (row.ttl != 0) r.ttl = Seconds{row.ttl};
                                r.explicit_max_ttl = Seconds{row.explicit_max};
                                r.period = Seconds{row.period};
                              }),
                              limits);
    CAPTURE(row.ttl);
    CAPTURE(row.explicit_max);
    CAPTURE(row.period);
    REQUIRE(planned.ok());
    CHECK(planned->created.ttl == Seconds{row.got});
    CHECK(planned->created.renewable);
    CHECK(planned->warnings.size() == row.warnings);
    if (row.ttl == 2000) CHECK(planned->warnings.front() == capped);
  }
}

TEST_CASE("only a root token without any limit lives for ever, and is not renewable") {
  const auto for_ever = plan(root(), true, {});
  REQUIRE(for_ever.ok());
  CHECK(for_ever->created.ttl == Seconds{0});
  CHECK_FALSE(for_ever->created.renewable);
  const auto with_ttl = plan(root(), true, asking([](TokenRequest& r) { r.ttl = kDay; }));
  REQUIRE(with_ttl.ok());
  CHECK(with_ttl->created.ttl == kDay);
  CHECK(with_ttl->created.renewable);
  // Without any limit configured there is no lifetime to give.
  const auto none = plan(reader(), false, {}, TokenLimits{});
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().code == ErrorCode::internal);
}

TEST_CASE("the other members of a plan") {
  const auto planned = plan(reader(), true, asking([](TokenRequest& r) {
                              r.display_name = "ci";
                              r.meta = {{"user", "alice"}};
                              r.num_uses = 3;
                              r.renewable = false;
                            }));
  REQUIRE(planned.ok());
  const auto& created = planned->created;
  CHECK(created.tenant == kTenant);
  CHECK(created.parent == TokenId{{1}});
  CHECK(created.display_name == "token-ci");
  CHECK(created.path == "auth/token/create");
  CHECK(created.meta == TextMap{{"user", "alice"}});
  CHECK(created.created_time == kNow);
  CHECK(created.num_uses == 3);
  CHECK_FALSE(created.renewable);
  const auto orphan = plan(reader(), true, asking([](TokenRequest& r) { r.no_parent = true; }));
  REQUIRE(orphan.ok());
  CHECK(orphan->created.parent.is_zero());
  CHECK(orphan->created.display_name == "token");
  // The endpoint for orphans needs no sudo: being allowed to call it is enough.
  const auto by_path =
      plan(reader(), false, asking([](TokenRequest& r) { r.orphan_endpoint = true; }));
  REQUIRE(by_path.ok());
  CHECK(by_path->created.parent.is_zero());
  CHECK(by_path->created.path == "auth/token/create-orphan");
}

TEST_CASE("property: without sudo a child has no policy that its parent lacks") {
  REQUIRE(rc::check([] {
    const auto names = [] {
      return *rc::gen::container<std::vector<std::string>>(
          rc::gen::element<std::string>("a", "b", "B", " c", "default", "root", ""));
    };
    std::vector<std::string> owned;
    for (const std::string name : {"a", "b", "default"})
      if (*rc::gen::arbitrary<bool>()) owned.push_back(name);
    const auto planned = plan(parent_with(owned), false, asking([&](TokenRequest& r) {
                                r.policies = names();
                                r.no_default_policy = *rc::gen::arbitrary<bool>();
                              }));
    if (!planned.ok()) return;
    const auto& got = planned->created.policies;
    RC_ASSERT(std::includes(owned.begin(), owned.end(), got.begin(), got.end()));
  }));
}

}  // namespace
}  // namespace coffer::token
