// Tokens as JSON: the auth block of create and renew, and the data of a lookup.
#pragma once

#include <string_view>

#include "events/api/request_port.h"
#include "events/json/json_value.h"
#include "events/token/token.h"

namespace coffer::net::vault {

// `token` is empty where the caller named it by accessor. `identity_policies`: what the token may
// besides its own, sorted.
[[nodiscard]] SecretBytes auth_block(const token::TokenState& state, std::string_view token,
                                     Timestamp now,
                                     const std::vector<std::string>& identity_policies);

void write_lookup(json::Writer& writer, const api::TokenFound& found, std::string_view token,
                  Timestamp now);

}  // namespace coffer::net::vault
