// Whose a new token is: its parent's, or that of the alias its role allows.
#include <doctest/doctest.h>

#include "events/token/token.h"

namespace coffer::token {
namespace {

TokenState parent() {
  TokenState state;
  state.exists = true;
  state.id.bytes.fill(1);
  state.policies = {"root"};
  state.entity.bytes.fill(7);
  return state;
}

Result<TokenPlan> plan(const TokenRequest& request, const TokenRole* role, TenantId tenant = {}) {
  return plan_token(parent(), true, tenant, request, {Seconds{60}, Seconds{60}}, {1}, role);
}

TEST_CASE(
    "a child is its parent's entity's; an orphan and a token of another tenant are nobody's") {
  TokenRequest request;
  request.policies = {"a"};
  CHECK(plan(request, nullptr)->created.entity == parent().entity);
  TenantId below;
  below.bytes.fill(3);
  CHECK(plan(request, nullptr, below)->created.entity.is_zero());
  request.no_parent = true;
  CHECK(plan(request, nullptr)->created.entity.is_zero());
}

TEST_CASE("an entity alias needs a role whose patterns it matches in lower case") {
  struct Row {
    std::vector<std::string> allowed;
    const char* asked;
    const char* text;   // of the refusal; null: taken
    const char* alias;  // as it is used
  };
  const Row rows[] = {
      {{}, "alice", "invalid 'entity_alias' value", ""},
      {{"bob"}, "alice", "invalid 'entity_alias' value", ""},
      {{"alice"}, "Alice", nullptr, "alice"},
      {{"team-*"}, "team-a", nullptr, "team-a"},
      {{"team-*"}, "a-team-a", "invalid 'entity_alias' value", ""},
      {{"*"}, "anybody", nullptr, "anybody"},
      {{}, "", nullptr, ""},
  };
  for (const auto& row : rows) {
    TokenRole role;
    role.allowed_entity_aliases = row.allowed;
    TokenRequest request;
    request.policies = {"a"};
    request.role = "r";
    request.entity_alias = row.asked;
    const auto planned = plan(request, &role);
    CHECK(planned.ok() == (row.text == nullptr));
    if (planned.ok())
      CHECK(planned->entity_alias == row.alias);
    else
      CHECK(planned.error().message == row.text);
  }
  TokenRequest request;
  request.policies = {"a"};
  request.entity_alias = "alice";
  CHECK(plan(request, nullptr).error().message ==
        "'entity_alias' is only allowed in combination with token role");
}

}  // namespace
}  // namespace coffer::token
