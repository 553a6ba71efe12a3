// Events of one token, and what a token role says. The token's text is never here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "events/base/ids.h"
#include "events/base/time.h"
#include "events/identity/identity_events.h"

namespace coffer::token {

using TextMap = std::map<std::string, std::string>;

struct TokenCreated {
  TokenId id;
  std::string accessor;
  TenantId tenant;                    // whose policies it carries
  TokenId parent;                     // zero for an orphan
  std::vector<std::string> policies;  // sorted, unique
  TextMap meta;
  std::string display_name;
  std::string path;  // "auth/token/create", "auth/token/root"
  Timestamp created_time;
  Seconds ttl{0};  // 0: never expires
  Seconds explicit_max_ttl{0};
  Seconds period{0};
  std::uint64_t num_uses = 0;  // 0: not limited
  bool renewable = false;
  bool chosen_id = false;          // the client named the token's text, and may name it again
  identity::EntityId entity = {};  // whose it is; zero: of nobody in the identity store
  friend bool operator==(const TokenCreated&, const TokenCreated&) = default;
};
struct TokenRenewed {
  Timestamp renewed_time;
  Timestamp expire_time;
  friend bool operator==(const TokenRenewed&, const TokenRenewed&) = default;
};
struct TokenUsed {  // only for tokens with limited uses
  std::uint64_t uses_left = 0;
  friend bool operator==(const TokenUsed&, const TokenUsed&) = default;
};
struct TokenRevoked {
  Timestamp revoked_time;
  bool children_live_on = false;  // revoke-orphan
  friend bool operator==(const TokenRevoked&, const TokenRevoked&) = default;
};
// Nothing is left of a token that was dead.
struct TokenForgotten {
  friend bool operator==(const TokenForgotten&, const TokenForgotten&) = default;
};
using Event = std::variant<TokenCreated, TokenRenewed, TokenUsed, TokenRevoked, TokenForgotten>;

// What a tenant has laid down under a name for tokens created with it. Zero: the role says nothing.
struct TokenRole {
  std::vector<std::string> allowed_policies;  // lists are sorted, without doubles
  std::vector<std::string> disallowed_policies;
  std::vector<std::string> allowed_policies_glob;  // '*' at either end
  std::vector<std::string> disallowed_policies_glob;
  bool orphan = false;
  bool renewable = true;
  bool no_default_policy = false;
  std::string path_suffix;
  Seconds period{0};
  Seconds explicit_max_ttl{0};
  std::uint64_t num_uses = 0;
  std::vector<std::string> allowed_entity_aliases = {};  // lower case; '*' at either end
  friend bool operator==(const TokenRole&, const TokenRole&) = default;
};

}  // namespace coffer::token
