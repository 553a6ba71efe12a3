// Published immutable snapshots: what requests read without asking an actor. Only the owning actor
// publishes (the tenant's for TenantSnapshot and TokenEntry, the secret's for SecretSnapshot), so
// an entry is never older than what that actor has acknowledged. All tables are thread-safe.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/identity_view.h"
#include "actors/tenant_keys.h"
#include "events/api/request_port.h"

namespace coffer::actors {

class TenantLink;  // protocols.h: how to reach the tenant's actor

// Parsed policies of a tenant, and the access lists made of them so far.
class PolicyView {
 public:
  // Parses every text; one that does not parse any more grants nothing.
  explicit PolicyView(const policy::PolicySet& set);
  // For a token's sorted policy names.
  [[nodiscard]] std::shared_ptr<const policy::AccessList> access_list(
      const std::vector<std::string>& names) const;
  // For a token's names and those of its identity (null: it has none), with templates filled in.
  // `path`: what will be asked of the list. Without it the list answers for every path; with it
  // usually the one that everybody with these policies shares.
  [[nodiscard]] std::shared_ptr<const policy::AccessList> access_list(
      const std::vector<std::string>& token_names, const IdentityViewPtr& identity,
      std::optional<std::string_view> path) const;

 private:
  using ListPtr = std::shared_ptr<const policy::AccessList>;
  struct Lists {
    ListPtr plain;                   // without the rules that have templates
    std::vector<std::string> heads;  // what the paths of those begin with
  };
  struct Filled {
    IdentityViewPtr identity;  // kept: nobody else can come to its address
    ListPtr list;
  };
  [[nodiscard]] Lists build_lists(const std::vector<std::string>& names) const;
  [[nodiscard]] std::shared_ptr<const Lists> lists_of(const std::vector<std::string>& names) const;
  [[nodiscard]] ListPtr filled_list(const std::vector<std::string>& names,
                                    const IdentityViewPtr& identity) const;
  [[nodiscard]] std::vector<const policy::PolicyDocument*> documents_of(
      const std::vector<std::string>& names) const;

  std::map<std::string, policy::PolicyDocument> documents_;
  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::string, std::shared_ptr<const Lists>> lists_;
  mutable std::unordered_map<std::string, Filled> filled_;
};

struct TenantSnapshot {
  api::TenantView view;
  PartitionId partition = 0;
  TenantKeysPtr keys;
  std::shared_ptr<const PolicyView> policies;
  std::shared_ptr<const TenantLink> link;
  std::shared_ptr<const std::atomic<std::uint64_t>> identity_generation;
};
using TenantSnapshotPtr = std::shared_ptr<const TenantSnapshot>;

struct SecretSnapshot {
  secret::SecretState state;
  Bytes current_value;  // sealed; empty when there is no current value
};
using SecretSnapshotPtr = std::shared_ptr<const SecretSnapshot>;

using TokenStatePtr = std::shared_ptr<const token::TokenState>;

class TenantTable {
 public:
  [[nodiscard]] TenantSnapshotPtr find(const TenantId& id) const;
  void publish(TenantSnapshotPtr snapshot);
  void erase(const TenantId& id);
  void clear();

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<TenantId, TenantSnapshotPtr> tenants_;
};

// Bounded table, sharded; `weight` of an entry counts against the bound. Evicts the oldest entry
// that was not used since its last turn (second chance): a hit sets a bit and moves nothing.
template <class Key, class Value, class Hash = std::hash<Key>>
class SnapshotTable {
 public:
  explicit SnapshotTable(std::size_t weight_max) : shard_weight_max_(weight_max / kShards + 1) {}

  [[nodiscard]] std::shared_ptr<const Value> find(const Key& key) {
    auto& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.map.find(key);
    if (found == shard.map.end()) {
      ++shard.misses;
      return nullptr;
    }
    ++shard.hits;
    found->second->used = true;
    return found->second->value;
  }
  void publish(const Key& key, std::shared_ptr<const Value> value, std::size_t weight) {
    auto& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    remove(shard, key);
    shard.order.push_front(Entry{key, std::move(value), weight, false});
    shard.map.emplace(key, shard.order.begin());
    shard.weight += weight;
    for (; shard.weight > shard_weight_max_ && shard.order.size() > 1; ++shard.evictions)
      evict_one(shard);
  }
  void erase(const Key& key) {
    auto& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    remove(shard, key);
  }
  void clear() {
    for (auto& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      shard.map.clear();
      shard.order.clear();
      shard.weight = 0;
    }
  }
  struct Counts {
    std::uint64_t entries = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;
  };
  [[nodiscard]] Counts counts() const {
    Counts total;
    for (const auto& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      total.entries += shard.order.size();
      total.hits += shard.hits;
      total.misses += shard.misses;
      total.evictions += shard.evictions;
    }
    return total;
  }

 private:
  static constexpr std::size_t kShards = 16;
  struct Entry {
    Key key;
    std::shared_ptr<const Value> value;
    std::size_t weight;
    bool used;  // since it was last looked at for eviction
  };
  struct Shard {
    mutable std::mutex mutex;
    std::list<Entry> order;
    std::unordered_map<Key, typename std::list<Entry>::iterator, Hash> map;
    std::size_t weight = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;
  };
  Shard& shard_of(const Key& key) {
    // The low bits choose the bucket inside a shard, so the shard comes from the high ones.
    return shards_[(Hash{}(key) >> 48) % kShards];
  }
  static void evict_one(Shard& shard) {
    while (std::exchange(shard.order.back().used, false))
      shard.order.splice(shard.order.begin(), shard.order, std::prev(shard.order.end()));
    remove(shard, Key(shard.order.back().key));
  }
  static void remove(Shard& shard, const Key& key) {
    const auto found = shard.map.find(key);
    if (found == shard.map.end()) return;
    shard.weight -= found->second->weight;
    shard.order.erase(found->second);
    shard.map.erase(found);
  }

  std::size_t shard_weight_max_;
  std::array<Shard, kShards> shards_;
};

// Mount ids are random and never reused, so mount and path name a secret across all tenants.
struct SecretKey {
  MountId mount;
  std::string path;
  friend bool operator==(const SecretKey&, const SecretKey&) = default;
};
struct SecretKeyHash {
  std::size_t operator()(const SecretKey& key) const noexcept {
    return std::hash<MountId>{}(key.mount) ^
           std::hash<std::string>{}(key.path) * 0x9E3779B97F4A7C15ULL;
  }
};

using SecretTable = SnapshotTable<SecretKey, SecretSnapshot, SecretKeyHash>;
using TokenTable = SnapshotTable<TokenId, token::TokenState>;
// Entity ids are random and never reused.
using IdentityTable = SnapshotTable<identity::EntityId, IdentityView>;

[[nodiscard]] inline std::size_t weight_of(const SecretKey& key, const SecretSnapshot& snapshot) {
  return 512 + 2 * key.path.size() + snapshot.current_value.size() +
         snapshot.state.versions.size() * 120 + snapshot.state.custom_metadata.size() * 160;
}

}  // namespace coffer::actors
