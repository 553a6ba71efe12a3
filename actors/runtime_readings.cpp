#include "actors/vault_runtime.h"

namespace coffer::actors {
namespace {

template <class ActorRef>
ActorReading read_actor(std::string_view kind, const ActorRef& ref) {
  const auto& stats = *ref.stats();
  return {kind, stats.waiting(), stats.processed.load(std::memory_order_relaxed),
          stats.busy_ns.load(std::memory_order_relaxed)};
}

template <class Counts>
CacheReading read_cache(std::string_view name, const Counts& counts) {
  return {name, counts.entries, counts.hits, counts.misses, counts.evictions};
}

}  // namespace

RuntimeReadings VaultRuntime::readings() const {
  constexpr PartitionId kPartition = 0;
  RuntimeReadings out;
  const auto status = seal_->status();
  out.initialized = status.initialized;
  out.sealed = status.sealed;
  out.requests_admitted = requests_in_flight_.load(std::memory_order_relaxed);
  out.namespaces = services_->directory.size();
  out.tenant_actors = services_->tenant_actors.load(std::memory_order_relaxed);
  out.secret_actors = services_->secret_actors.load(std::memory_order_relaxed);
  out.rotations = services_->directory.rotating().size();
  out.events_end = services_->log.events_end(kPartition);
  out.access_end = services_->log.access_end(kPartition);
  if (const auto* sized = dynamic_cast<const log::SizedLog*>(&services_->log))
    out.sizes = sized->sizes();
  out.caches = {read_cache("data_keys", services_->data_keys.counts()),
                read_cache("secrets", services_->secrets.counts()),
                read_cache("tokens", services_->tokens.counts())};
  out.actors = {
      read_actor("log", services_->log_writer),      read_actor("hsm", services_->hsm),
      read_actor("reader", services_->reader),       read_actor("shredder", services_->shredder),
      read_actor("partition", services_->partition), read_actor("system", system_actor_)};
  return out;
}

}  // namespace coffer::actors
