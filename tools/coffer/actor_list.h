// The actors of a server as values: parents and children, and what they did between two samples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "events/base/result.h"
#include "events/json/json_value.h"

namespace coffer::cli {

struct Actor {
  std::uint64_t id = 0;
  std::uint64_t parent = 0;  // 0: none
  std::string kind;
  std::string tenant;
  std::string name;
  std::uint64_t mailbox = 0;
  std::uint64_t processed = 0;
  std::uint64_t busy_ns = 0;
  std::string state;
  std::string last_error;
};

// Ascending ids. `data` is that of sys/actors. Errors: corrupt.
[[nodiscard]] Result<std::vector<Actor>> parse_actors(const json::Value& data);

struct TreeNode {
  const Actor* actor;
  std::size_t depth;   // 0: a root
  std::string branch;  // drawn before its kind: "│  ├─ "
};
// Parents before their children. An actor whose parent has gone is a root; every actor appears
// exactly once, whatever the parents say.
[[nodiscard]] std::vector<TreeNode> actor_tree(const std::vector<Actor>& actors);

struct ActorRate {
  const Actor* actor;  // of the later sample
  std::uint64_t busy_ns = 0;
  std::uint64_t messages = 0;
};
// What happened from `before` to `after`, the busiest first. Counters of an actor that is new, or
// that went backwards because the server was started anew, count from zero.
[[nodiscard]] std::vector<ActorRate> actor_rates(const std::vector<Actor>& before,
                                                 const std::vector<Actor>& after);

}  // namespace coffer::cli
