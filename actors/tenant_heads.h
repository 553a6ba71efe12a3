// Each tenant's last event that is durable, for the index that answers carry (state_index.h). The
// log writer moves a tenant's head before it answers whoever appended, so an index never falls
// behind an answer that has left before it was asked for. One number a tenant. Thread-safe.
#pragma once

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "events/log/event_log.h"

namespace coffer::actors {

class TenantHeads {
 public:
  void advance(const TenantId& tenant, TenantSequence sequence) {
    const std::unique_lock lock(mutex_);
    auto& head = heads_[tenant];
    head = std::max(head, sequence);
  }
  // Of a tenant that has not written since the start: from the log.
  [[nodiscard]] Result<TenantSequence> find(const TenantId& tenant, const log::EventLog& log) {
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = heads_.find(tenant); found != heads_.end()) return found->second;
    }
    COFFER_ASSIGN(const auto stored, log.tenant_end(tenant));
    advance(tenant, stored);  // the writer may have been here meanwhile: the greater one stays
    const std::shared_lock lock(mutex_);
    return heads_.at(tenant);
  }

 private:
  std::shared_mutex mutex_;
  std::unordered_map<TenantId, TenantSequence> heads_;
};

}  // namespace coffer::actors
