// One token: state and rules. The token's text is never here, only a keyed hash (TokenId).
// Validity depends on the ancestors too: a token dies with its parent, so revoking a parent with
// any number of children is one event; readers walk up the chain (is_live plus ancestors).
#pragma once

#include <optional>
#include <string_view>

#include "events/base/result.h"
#include "events/token/token_events.h"

namespace coffer::token {

inline constexpr std::string_view kWrappingPolicy = "response-wrapping";

struct TokenState {
  bool exists = false;
  bool revoked = false;
  bool children_live_on = false;
  TokenId id;
  std::string accessor;
  TenantId tenant;
  TokenId parent;
  std::vector<std::string> policies;
  TextMap meta;
  std::string display_name;
  std::string path;
  Timestamp created_time;
  Timestamp expire_time;  // not set: never
  Timestamp last_renewal_time;
  Seconds creation_ttl{0};
  Seconds explicit_max_ttl{0};
  Seconds period{0};
  std::uint64_t num_uses = 0;   // as created; 0: not limited
  std::uint64_t uses_left = 0;  // meaningful when num_uses > 0
  bool renewable = false;
  bool chosen_id = false;
  identity::EntityId entity = {};
  friend bool operator==(const TokenState&, const TokenState&) = default;

  // By itself; the ancestors have to be asked too.
  [[nodiscard]] bool is_live(Timestamp now) const noexcept {
    return exists && !revoked && (!expire_time.is_set() || now < expire_time) &&
           (num_uses == 0 || uses_left > 0);
  }
  [[nodiscard]] bool is_root() const noexcept {
    return policies.size() == 1 && policies.front() == "root";
  }
  // Fetches one stored answer and can do nothing else.
  [[nodiscard]] bool is_wrapping() const noexcept {
    return policies.size() == 1 && policies.front() == kWrappingPolicy;
  }
  [[nodiscard]] Seconds ttl_left(Timestamp now) const noexcept;
};

struct CreateToken {
  TokenCreated wanted;
};  // already checked against the parent (plan_token)
struct RenewToken {
  Seconds increment{0};
  Seconds system_max_ttl{0};
  Seconds default_ttl{0};
};
struct UseToken {};
struct RevokeToken {
  bool children_live_on = false;
};
// Of a dead token, whose row nobody needs: for a reader a token that is not there is dead too. Stay
// do those whose absence would bring something back: a token whose id may be chosen again while
// children name it, and one whose children live on because it says so. Decides nothing for them,
// and for a live token.
struct ForgetToken {
  bool ancestor_is_dead = false;
};
using Command = std::variant<CreateToken, RenewToken, UseToken, RevokeToken, ForgetToken>;

[[nodiscard]] Result<std::vector<Event>> decide(const TokenState& state, const Command& command,
                                                Timestamp now);
[[nodiscard]] Result<TokenState> evolve(TokenState state, const Event& event);

// What a client asks of auth/token/create.
struct TokenRequest {
  std::vector<std::string> policies;  // empty: the parent's
  bool policies_given = false;
  TextMap meta;
  bool no_parent = false;
  bool orphan_endpoint = false;  // auth/token/create-orphan: no parent, without sudo
  bool no_default_policy = false;
  bool renewable = true;
  std::optional<Seconds> ttl;
  Seconds explicit_max_ttl{0};
  Seconds period{0};
  std::string display_name;
  std::uint64_t num_uses = 0;
  bool custom_id = false;
  std::string type;                     // "", "service"; "batch" is refused
  std::string role;                     // name of the tenant's token role; empty: none
  std::string entity_alias = {};        // whose token it shall be; empty: the parent's
  std::string entity_alias_mount = {};  // accessor of the mount where that name stands
};
struct TokenPlan {
  TokenCreated created;  // id and accessor are left to the caller
  std::vector<std::string> warnings;
  std::string entity_alias = {};  // as it may be used; empty: none was asked for
};
// A token that stands for the answer of the request to `path`; id and accessor are left to the
// caller.
[[nodiscard]] TokenCreated wrapping_token(TenantId tenant, std::string path, Seconds ttl,
                                          Timestamp now);

// Policy names as they are compared: without surrounding blanks, lower case, sorted, once each.
[[nodiscard]] std::vector<std::string> clean_policy_names(const std::vector<std::string>& names);

struct TokenLimits {
  Seconds default_ttl{0};
  Seconds max_ttl{0};
};
// The rules of creating a child of `parent`, with Vault's texts. `parent_has_sudo`: root, or sudo
// on the path. `tenant` is where the token will live; it may be below the parent's own tenant.
// `role`: what request.role names there, null when it is not known.
[[nodiscard]] Result<TokenPlan> plan_token(const TokenState& parent, bool parent_has_sudo,
                                           TenantId tenant, const TokenRequest& request,
                                           const TokenLimits& limits, Timestamp now,
                                           const TokenRole* role = nullptr);

}  // namespace coffer::token
