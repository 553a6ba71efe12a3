// What a tenant's events say of its quotas. Values only; the rules are in rate_limit.h.
#pragma once

#include <cstdint>
#include <string>

#include "events/base/time.h"

namespace coffer::quota {

// Whose requests share one count.
enum class GroupBy : std::uint8_t { address = 1, none = 2 };

struct RateLimit {
  // Relative to the tenant that has the quota: "" for all of it, "team/" for a namespace below or
  // for a mount, "secret/data/app" for one path, "secret/data/app*" for what begins so.
  std::string path;
  std::uint64_t rate_micro = 0;  // requests an interval, in millionths
  Seconds interval{1};
  Seconds block_interval{0};  // how long a client that went beyond it is shut out
  bool inheritable = false;   // of a whole namespace: counts in those below it too
  GroupBy group_by = GroupBy::address;
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

}  // namespace coffer::quota
