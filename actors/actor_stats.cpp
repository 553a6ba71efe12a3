#include "actors/actor_stats.h"

#include <chrono>

namespace coffer::actors {
namespace {

std::int64_t monotonic_ns() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void ActorStats::note_error(std::string text) {
  const std::lock_guard lock(mutex_);
  last_error_ = std::move(text);
}

std::string ActorStats::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

BusyScope::BusyScope(ActorStats& stats) noexcept : stats_(stats), began_(monotonic_ns()) {}

BusyScope::~BusyScope() {
  stats_.processed.fetch_add(1, std::memory_order_relaxed);
  stats_.busy_ns.fetch_add(static_cast<std::uint64_t>(monotonic_ns() - began_),
                           std::memory_order_relaxed);
}

ActorStatsPtr ActorRegistry::add(std::string kind, std::string tenant, std::string name,
                                 std::uint64_t parent) {
  auto stats = std::make_shared<ActorStats>();
  stats->kind = std::move(kind);
  stats->tenant = std::move(tenant);
  stats->name = std::move(name);
  stats->parent = parent;
  const std::lock_guard lock(mutex_);
  stats->id = next_++;
  if (actors_.size() >= sweep_at_) {
    std::erase_if(actors_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max<std::size_t>(1024, actors_.size() * 2);
  }
  actors_.emplace(stats->id, stats);
  return stats;
}

std::vector<api::ActorInfo> ActorRegistry::list() const {
  std::vector<ActorStatsPtr> living;
  {
    const std::lock_guard lock(mutex_);
    living.reserve(actors_.size());
    for (const auto& [id, weak] : actors_)
      if (auto stats = weak.lock()) living.push_back(std::move(stats));
  }
  std::sort(living.begin(), living.end(),
            [](const auto& a, const auto& b) { return a->id < b->id; });
  std::vector<api::ActorInfo> out;
  out.reserve(living.size());
  for (const auto& stats : living)
    out.push_back({.id = stats->id,
                   .parent = stats->parent,
                   .kind = stats->kind,
                   .tenant = stats->tenant,
                   .name = stats->name,
                   .mailbox = stats->waiting(),
                   .processed = stats->processed.load(std::memory_order_relaxed),
                   .busy_ns = stats->busy_ns.load(std::memory_order_relaxed),
                   .state = stats->state.load(std::memory_order_relaxed),
                   .last_error = stats->last_error()});
  return out;
}

}  // namespace coffer::actors
