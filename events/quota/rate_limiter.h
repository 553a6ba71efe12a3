// Counts requests against rate limits: a token bucket for each limit and client, which holds what
// one interval allows and fills evenly. Exact: the level is an integer in units of one millionth
// request times one nanosecond, so nothing is lost in rounding however often it is asked.
//
// Memory: at most `buckets_max`; the one asked longest ago makes room. That client then begins with
// a full bucket, so a limit is exact as long as fewer clients than that are active at a time.
// Pure; time (monotonic, nanoseconds) comes in as a value. Not thread-safe: the caller serialises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "events/base/ids.h"
#include "events/quota/quota_events.h"

namespace coffer::quota {

class RateLimiter {
 public:
  explicit RateLimiter(std::size_t buckets_max) : buckets_max_(buckets_max) {}

  // Takes one request out of the bucket. Nothing: allowed. Otherwise how long to wait for the next
  // one that may be, at least a second. A limit whose numbers have changed begins with a full
  // bucket.
  [[nodiscard]] std::optional<Seconds> take(const TenantId& tenant, std::string_view limit_name,
                                            const RateLimit& limit, std::string_view client,
                                            std::int64_t now_ns);
  [[nodiscard]] std::size_t buckets() const noexcept { return order_.size(); }

 private:
  __extension__ typedef unsigned __int128 Level;
  struct Bucket {
    std::string key;
    std::uint64_t rate_micro = 0;
    std::int64_t interval_s = 0;
    std::int64_t block_s = 0;
    Level level = 0;
    std::int64_t filled_ns = 0;
    std::int64_t blocked_until_ns = 0;  // 0: it is not
  };
  Bucket& bucket(std::string key, const RateLimit& limit, std::int64_t now_ns);

  std::size_t buckets_max_;
  std::list<Bucket> order_;                                                   // asked last first
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> by_key_;  // views of the keys
};

}  // namespace coffer::quota
