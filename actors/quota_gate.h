// Rate limits as the request gate asks for them: quota::RateLimiter, shared by all I/O threads.
// Counts are of this process alone; in a cluster only the active node counts, and a new one begins
// with full buckets. Thread-safe.
#pragma once

#include <array>
#include <memory>
#include <mutex>

#include "events/quota/rate_limiter.h"

namespace coffer::actors {

class QuotaGate {
 public:
  QuotaGate();
  // As RateLimiter::take.
  [[nodiscard]] std::optional<Seconds> take(const TenantId& tenant, std::string_view limit_name,
                                            const quota::RateLimit& limit, std::string_view client,
                                            std::int64_t now_ns);

 private:
  struct Shard {
    explicit Shard(std::size_t buckets_max) : limiter(buckets_max) {}
    std::mutex mutex;
    quota::RateLimiter limiter;
  };
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kBucketsMax = 65'536;  // some 16 MiB
  std::array<std::unique_ptr<Shard>, kShards> shards_;
};

}  // namespace coffer::actors
