// A tenant's password policies and quotas, and the record of changed key shares.
#include <doctest/doctest.h>

#include "events/policy/password_policy.h"
#include "events/tenant/tenant_decider.h"

namespace coffer::tenant {
namespace {

constexpr Timestamp kNow{1'790'000'000'000'000'000};
constexpr std::string_view kText = "length = 20\nrule \"charset\" { charset = \"abc\" }";

TenantState apply(TenantState state, const Command& command) {
  auto events = decide(state, command, kNow);
  REQUIRE(events.ok());
  for (const auto& event : *events) {
    auto next = evolve(std::move(state), event);
    REQUIRE(next.ok());
    state = std::move(next).value();
  }
  return state;
}

TenantState with_mount() {
  auto state = apply({}, CreateTenant{{}, "team-a", {}});
  EnableMount mount;
  mount.path = "secret";
  mount.type = "kv";
  return apply(std::move(state), mount);
}

WriteRateLimit limit(std::string name, std::string path, bool names_child = false) {
  WriteRateLimit command;
  command.name = std::move(name);
  command.limit.path = std::move(path);
  command.limit.rate_micro = 5'000'000;
  command.names_child = names_child;
  return command;
}

TEST_CASE("a password policy is written, kept as it is, and removed") {
  const WritePasswordPolicy write{"p", std::string(kText)};
  auto state = apply(with_mount(), write);
  CHECK(state.password_policies.at("p") == kText);
  CHECK(decide(state, write, kNow)->empty());
  CHECK(decide(state, RemovePasswordPolicy{"q"}, kNow)->empty());
  state = apply(std::move(state), RemovePasswordPolicy{"p"});
  CHECK(state.password_policies.empty());
  CHECK_FALSE(decide(state, WritePasswordPolicy{"p", "length = 20"}, kNow).ok());
  for (const char* name : {"", "a b", "a/b", "-a", "a."})
    CHECK_FALSE(decide(state, WritePasswordPolicy{name, std::string(kText)}, kNow).ok());
  for (std::size_t i = 0; i < kPasswordPoliciesMax; ++i)
    state.password_policies.emplace("p" + std::to_string(i), kText);
  CHECK(decide(state, write, kNow).error().code == ErrorCode::quota_exceeded);
}

TEST_CASE("a quota counts what is there") {
  struct Row {
    const char* path;
    bool names_child;
    const char* stored;  // "-": refused
  };
  const Row rows[] = {{"", false, ""},
                      {"secret", false, "secret/"},
                      {"/secret/", false, "secret/"},
                      {"secret/data/a", false, "secret/data/a"},
                      {"secret/data/*", false, "secret/data/*"},
                      {"sys/mounts", false, "sys/mounts"},
                      {"auth/token/create", false, "auth/token/create"},
                      {"team/", false, "-"},
                      {"team/", true, "team/"},
                      {"sec", false, "-"},
                      {"sec*", false, "-"},
                      {"s*t", false, "-"}};
  for (const auto& row : rows) {
    CAPTURE(std::string(row.path));
    const auto events = decide(with_mount(), limit("q", row.path, row.names_child), kNow);
    CHECK(events.ok() == (std::string(row.stored) != "-"));
    if (events.ok()) CHECK(std::get<RateLimitWritten>(events->front()).limit.path == row.stored);
  }
}

TEST_CASE("quotas are written, replaced and removed") {
  auto state = apply(with_mount(), limit("q", "secret/"));
  CHECK(decide(state, limit("q", "secret"), kNow)->empty());
  CHECK(decide(state, limit("other", "secret/"), kNow).error().code == ErrorCode::invalid_argument);
  auto faster = limit("q", "secret/");
  faster.limit.rate_micro = 1;
  state = apply(std::move(state), faster);
  CHECK(state.rate_limits.at("q").rate_micro == 1);
  faster.limit.rate_micro = 0;
  CHECK_FALSE(decide(state, faster, kNow).ok());
  state = apply(std::move(state), RemoveRateLimit{"q"});
  CHECK(state.rate_limits.empty());
  CHECK(decide(state, RemoveRateLimit{"q"}, kNow)->empty());
  for (std::size_t i = 0; i < kRateLimitsMax; ++i)
    state.rate_limits["q" + std::to_string(i)].path = "secret/" + std::to_string(i);
  CHECK(decide(state, limit("more", ""), kNow).error().code == ErrorCode::quota_exceeded);
}

TEST_CASE("exempt paths replace the defaults") {
  auto state = apply(with_mount(), ChangeQuotaSettings{{"sys/health"}});
  CHECK(state.quota_exempt_paths == std::vector<std::string>{"sys/health"});
  CHECK(decide(state, ChangeQuotaSettings{{"sys/health"}}, kNow)->empty());
  CHECK_FALSE(decide(state, ChangeQuotaSettings{{""}}, kNow).ok());
  CHECK_FALSE(
      decide(state, ChangeQuotaSettings{std::vector<std::string>(kExemptPathsMax + 1, "a")}, kNow)
          .ok());
}

TEST_CASE("changed key shares are recorded in the root tenant alone") {
  const auto root = apply({}, CreateTenant{{}, "", {}});
  const auto events = decide(root, ChangeUnsealShares{5, 3}, kNow);
  REQUIRE(events.ok());
  CHECK(events->front() == Event{UnsealSharesChanged{5, 3, kNow}});
  CHECK(apply(root, ChangeUnsealShares{5, 3}) == root);
  CHECK_FALSE(decide(with_mount(), ChangeUnsealShares{5, 3}, kNow).ok());
}

TEST_CASE("events that do not fit, and what a deleted tenant has left") {
  const auto state = with_mount();
  for (const auto& event : {Event{RateLimitRemoved{"q"}}, Event{PasswordPolicyRemoved{"p"}}})
    CHECK(evolve(state, event).error().code == ErrorCode::corrupt);
  auto full = apply(state, limit("q", ""));
  full = apply(std::move(full), WritePasswordPolicy{"p", std::string(kText)});
  full = apply(std::move(full), DeleteTenant{});
  CHECK(full.rate_limits.empty());
  CHECK(full.password_policies.empty());
}

}  // namespace
}  // namespace coffer::tenant
