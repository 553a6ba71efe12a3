#include "events/quota/rate_limiter.h"

#include <algorithm>

namespace coffer::quota {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;
constexpr std::uint64_t kOneRequestMicro = 1'000'000;

// Rounded up: asked again after it, the request is allowed.
Seconds whole_seconds(std::int64_t ns) {
  return {std::max<std::int64_t>(1, ns / kNanoseconds + (ns % kNanoseconds != 0 ? 1 : 0))};
}

std::string key_of(const TenantId& tenant, std::string_view name, std::string_view client) {
  std::string key(as_text(tenant.view()));
  key.append(name).push_back('\0');
  key.append(client);
  return key;
}

}  // namespace

RateLimiter::Bucket& RateLimiter::bucket(std::string key, const RateLimit& limit,
                                         std::int64_t now_ns) {
  auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    if (order_.size() >= buckets_max_ && !order_.empty()) {
      by_key_.erase(order_.back().key);
      order_.pop_back();
    }
    order_.emplace_front();
    order_.front().key = std::move(key);
    found = by_key_.emplace(order_.front().key, order_.begin()).first;
  } else {
    order_.splice(order_.begin(), order_, found->second);
  }
  auto& out = *found->second;
  if (out.rate_micro != limit.rate_micro || out.interval_s != limit.interval.count ||
      out.block_s != limit.block_interval.count) {
    const Level interval_ns = Level(limit.interval.count) * kNanoseconds;
    out.rate_micro = limit.rate_micro;
    out.interval_s = limit.interval.count;
    out.block_s = limit.block_interval.count;
    out.level = std::max<std::uint64_t>(limit.rate_micro, kOneRequestMicro) * interval_ns;
    out.filled_ns = now_ns;
    out.blocked_until_ns = 0;
  }
  return out;
}

std::optional<Seconds> RateLimiter::take(const TenantId& tenant, std::string_view limit_name,
                                         const RateLimit& limit, std::string_view client,
                                         std::int64_t now_ns) {
  if (limit.group_by == GroupBy::none) client = {};
  auto& at = bucket(key_of(tenant, limit_name, client), limit, now_ns);
  if (at.blocked_until_ns > now_ns) return whole_seconds(at.blocked_until_ns - now_ns);
  const Level interval_ns = Level(limit.interval.count) * kNanoseconds;
  // A limit below one request an interval still lets one through at a time.
  const Level full = std::max<std::uint64_t>(limit.rate_micro, kOneRequestMicro) * interval_ns;
  const Level cost = kOneRequestMicro * interval_ns;
  if (now_ns > at.filled_ns) {
    at.level = std::min(full, at.level + Level(now_ns - at.filled_ns) * limit.rate_micro);
    at.filled_ns = now_ns;
  }
  if (at.level >= cost) {
    at.level -= cost;
    return std::nullopt;
  }
  if (limit.block_interval.count > 0) {
    at.blocked_until_ns = now_ns + limit.block_interval.count * kNanoseconds;
    return limit.block_interval;
  }
  const Level missing = cost - at.level;
  const auto wait_ns = (missing + limit.rate_micro - 1) / limit.rate_micro;
  return whole_seconds(static_cast<std::int64_t>(wait_ns));
}

}  // namespace coffer::quota
