#include "hsm/data_key_cache.h"

#include <algorithm>
#include <bit>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace coffer::hsm {
namespace {

constexpr std::size_t kShardsMax = 16;
// Smaller caches keep one exact order of use rather than many short ones.
constexpr std::size_t kShardEntriesMin = 64;

std::size_t shard_count(std::size_t entries_max) noexcept {
  const auto wanted = std::clamp<std::size_t>(entries_max / kShardEntriesMin, 1, kShardsMax);
  return std::bit_floor(wanted);
}

// Ids are random, so that any bits spread evenly; the maps use the low ones of the hash.
std::size_t shard_number(const KeyId& id, std::size_t shards) noexcept {
  return (std::hash<KeyId>{}(id) >> 48) & (shards - 1);
}

}  // namespace

// One lock, one order of use (front = latest). Handles that leave are collected in `dropped` and
// die after the lock is released, because their last owner wipes and takes the arena's lock.
struct DataKeyCache::Shard {
  struct Entry {
    KeyId id;
    KeyHandle handle;
    std::int64_t expires_ns;
  };
  using Order = std::list<Entry>;
  using Dropped = std::vector<KeyHandle>;

  mutable std::mutex mutex;
  Order order;
  std::unordered_map<KeyId, Order::iterator> index;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t evictions = 0;

  void remove(Order::iterator entry, Dropped& dropped) {
    dropped.push_back(std::move(entry->handle));
    index.erase(entry->id);
    order.erase(entry);
  }

  void remove_oldest(Dropped& dropped) {
    if (!order.empty()) remove(std::prev(order.end()), dropped);
  }

  // An entry that nobody asks for drifts to the end, so that this finds it without a scan.
  void remove_expired_tail(std::int64_t now_ns, Dropped& dropped) {
    while (!order.empty() && order.back().expires_ns <= now_ns) remove_oldest(dropped);
  }

  void give_up_oldest(std::int64_t now_ns) {
    Dropped dropped;
    const std::lock_guard lock(mutex);
    remove_expired_tail(now_ns, dropped);
    if (!dropped.empty() || order.empty()) return;
    remove_oldest(dropped);
    ++evictions;
  }

  void put(Entry entry, std::size_t entries_max, Dropped& dropped) {
    if (auto old = index.find(entry.id); old != index.end()) remove(old->second, dropped);
    for (; order.size() >= entries_max; ++evictions) remove_oldest(dropped);
    order.push_front(std::move(entry));
    index[order.front().id] = order.begin();
  }
};

DataKeyCache::DataKeyCache(std::shared_ptr<LockedArena> arena, const Clock& clock, Limits limits)
    : arena_(std::move(arena)),
      clock_(clock),
      limits_(limits),
      shards_(std::make_unique<Shard[]>(shard_count(limits.entries_max))) {
  COFFER_CHECK(limits_.entries_max > 0);
}

DataKeyCache::~DataKeyCache() = default;

KeyHandle DataKeyCache::find(const KeyId& id) {
  Shard::Dropped dropped;
  const auto now_ns = clock_.monotonic_ns();
  auto& shard = shards_[shard_number(id, shard_count(limits_.entries_max))];
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.index.find(id);
  if (found == shard.index.end()) {
    ++shard.misses;
    return nullptr;
  }
  const auto entry = found->second;
  if (entry->expires_ns <= now_ns) {
    ++shard.misses;
    shard.remove(entry, dropped);
    return nullptr;
  }
  ++shard.hits;
  shard.order.splice(shard.order.begin(), shard.order, entry);
  return entry->handle;
}

Result<KeyHandle> DataKeyCache::insert(const KeyId& id, BytesView key32) {
  const auto now_ns = clock_.monotonic_ns();
  const auto shards = shard_count(limits_.entries_max);
  const auto own = shard_number(id, shards);
  auto stored = arena_->store(key32);
  // The arena also holds keys in use elsewhere: when it is full, give slots of ours back, first
  // those of this shard. A slot that a handle still holds stays taken.
  for (std::size_t i = 0; !stored.ok() && i < shards; ++i) {
    shards_[(own + i) % shards].give_up_oldest(now_ns);
    stored = arena_->store(key32);
  }
  if (!stored.ok()) return stored;
  Shard::Dropped dropped;
  auto& shard = shards_[own];
  const std::int64_t ttl_ns = std::chrono::nanoseconds(limits_.ttl).count();
  const std::lock_guard lock(shard.mutex);
  shard.remove_expired_tail(now_ns, dropped);
  shard.put({id, *stored, now_ns + ttl_ns}, limits_.entries_max / shards, dropped);
  return stored;
}

void DataKeyCache::erase(const KeyId& id) {
  Shard::Dropped dropped;
  auto& shard = shards_[shard_number(id, shard_count(limits_.entries_max))];
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.index.find(id); found != shard.index.end())
    shard.remove(found->second, dropped);
}

void DataKeyCache::clear() {
  for (std::size_t i = 0; i < shard_count(limits_.entries_max); ++i) {
    Shard::Order dropped;
    const std::lock_guard lock(shards_[i].mutex);
    dropped.swap(shards_[i].order);
    shards_[i].index.clear();
  }
}

void DataKeyCache::drop_expired() {
  const auto now_ns = clock_.monotonic_ns();
  for (std::size_t i = 0; i < shard_count(limits_.entries_max); ++i) {
    Shard::Dropped dropped;
    auto& shard = shards_[i];
    const std::lock_guard lock(shard.mutex);
    for (auto entry = shard.order.begin(); entry != shard.order.end();) {
      const auto current = entry++;
      if (current->expires_ns <= now_ns) shard.remove(current, dropped);
    }
  }
}

std::size_t DataKeyCache::size() const {
  return counts().entries;
}

DataKeyCache::Counts DataKeyCache::counts() const {
  Counts total;
  for (std::size_t i = 0; i < shard_count(limits_.entries_max); ++i) {
    const auto& shard = shards_[i];
    const std::lock_guard lock(shard.mutex);
    total.entries += shard.order.size();
    total.hits += shard.hits;
    total.misses += shard.misses;
    total.evictions += shard.evictions;
  }
  return total;
}

}  // namespace coffer::hsm
