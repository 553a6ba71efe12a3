// The named policies of one tenant: events, state and rules.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "events/base/result.h"
#include "events/base/time.h"

namespace coffer::policy {

struct PolicyWritten {
  std::string name;  // lower case
  std::string text;
  Timestamp modified_time;
  friend bool operator==(const PolicyWritten&, const PolicyWritten&) = default;
};
struct PolicyRemoved {
  std::string name;
  friend bool operator==(const PolicyRemoved&, const PolicyRemoved&) = default;
};
using Event = std::variant<PolicyWritten, PolicyRemoved>;

struct PolicySet {
  std::map<std::string, std::string> texts;  // "root" is not among them
  friend bool operator==(const PolicySet&, const PolicySet&) = default;
};

struct WritePolicy {
  std::string name;
  std::string text;
};
struct RemovePolicy {
  std::string name;
};
using Command = std::variant<WritePolicy, RemovePolicy>;

inline constexpr std::size_t kPoliciesMax = 10'000;
inline constexpr std::size_t kPolicyNameBytesMax = 256;

[[nodiscard]] Result<std::vector<Event>> decide(const PolicySet& state, const Command& command,
                                                Timestamp now);
[[nodiscard]] Result<PolicySet> evolve(PolicySet state, const Event& event);

}  // namespace coffer::policy
