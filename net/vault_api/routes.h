// Which handler serves a path: one table for sys/ and auth/token/, one for mounts of each version
// of KV.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "events/policy/policy_evaluator.h"

namespace coffer::net::vault {

class Exchange;

// `argument`: the variable part of the path; lives as long as the exchange.
using Handler = void (*)(Exchange& x, std::string_view argument);

struct Route {
  enum class Argument : std::uint8_t { none, rest };  // rest: one byte or more, may hold '/'
  enum class Access : std::uint8_t {
    token,       // the usual way: token, policy, then the handler
    none,        // nothing is asked for; answers 405 with an empty list of errors
    own_checks,  // a live token when one was sent; the handler asks what it may see
    metrics,     // as token, or as none when the options say so
  };

  std::string_view prefix;
  Argument argument = Argument::none;
  std::string_view suffix = {};
  Access access = Access::token;
  bool root_only = false;  // not offered inside a namespace
  Handler read = nullptr;
  Handler update = nullptr;
  Handler patch = nullptr;
  Handler remove = nullptr;
  Handler list = nullptr;

  // False when the path is another one.
  [[nodiscard]] bool matches(std::string_view path, std::string_view& found) const noexcept;
  [[nodiscard]] Handler handler(policy::Operation operation) const noexcept;
};

// Null when no route has the path. Of several the first counts.
[[nodiscard]] const Route* find_route(std::span<const Route> routes, std::string_view path,
                                      std::string_view& argument) noexcept;

[[nodiscard]] std::span<const Route> system_routes() noexcept;
[[nodiscard]] std::span<const Route> kv_v2_routes() noexcept;

struct RouteTable {
  std::span<const Route> routes;
  std::string_view mount;  // what stands before their paths: "" or "{mount}/"
};
// Everything that is served.
[[nodiscard]] std::span<const RouteTable> route_tables() noexcept;
// "sys/mounts/{path}/tune".
[[nodiscard]] std::string route_template(const RouteTable& table, const Route& route);

// Precondition: the exchange was admitted.
void route_admitted(Exchange& x);

}  // namespace coffer::net::vault
