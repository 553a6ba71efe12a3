#include "actors/quota_gate.h"

namespace coffer::actors {

QuotaGate::QuotaGate() {
  for (auto& shard : shards_) shard = std::make_unique<Shard>(kBucketsMax / kShards);
}

std::optional<Seconds> QuotaGate::take(const TenantId& tenant, std::string_view limit_name,
                                       const quota::RateLimit& limit, std::string_view client,
                                       std::int64_t now_ns) {
  // One bucket always lies in the same shard.
  const auto of = limit.group_by == quota::GroupBy::none ? limit_name : client;
  auto& shard = *shards_[std::hash<std::string_view>{}(of) % kShards];
  const std::lock_guard lock(shard.mutex);
  return shard.limiter.take(tenant, limit_name, limit, client, now_ns);
}

}  // namespace coffer::actors
