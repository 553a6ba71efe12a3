// What the actors of one runtime share. Made by the runtime before any actor, gone after all of
// them. Members are thread-safe or set once before the first request.
#pragma once

#include <atomic>
#include <memory>

#include "actors/directory.h"
#include "actors/instruments.h"
#include "actors/key_use.h"
#include "actors/protocols.h"
#include "actors/rewrap_board.h"
#include "actors/tenant_heads.h"
#include "actors/tenant_key_ring.h"
#include "events/base/ports.h"
#include "hsm/data_key_cache.h"

namespace coffer::actors {

struct Limits {
  std::size_t secret_actors_max = 100'000;      // live ones; idle ones beyond it passivate
  std::size_t secret_cache_bytes = 256u << 20;  // published secret snapshots
  std::size_t token_cache_entries = 200'000;
  std::size_t identity_cache_entries = 50'000;
  std::size_t mailbox_max = 10'000;        // waiting messages of one actor
  std::size_t commit_writes_max = 4096;    // of one synced batch; 1: no group commit
  std::size_t secret_queue_max = 256;      // writes waiting for one secret
  std::size_t requests_max = 20'000;       // admitted and not answered
  std::size_t value_bytes_max = 1u << 20;  // JSON text of one version
  std::size_t secret_path_bytes_max = 2048;
  Seconds secret_idle{60};
  Seconds token_sweep_interval{600};  // between two rounds over all tokens
  Seconds shred_interval{60};         // of keys that nobody waits for
  Seconds token_default_ttl{768 * 3600};
  Seconds token_max_ttl{768 * 3600};
  std::uint32_t refusals_per_second = 16;  // recorded singly, per source
  Seconds access_age_max{30 * 86400};
  std::uint64_t access_bytes_max = 8ull << 30;
  std::uint64_t tenant_key_wraps_max = 1ull << 30;  // a tenant key is rotated then
  std::uint64_t rewraps_per_second = 2000;          // of data keys, in all namespaces together
};

struct Services {
  Services(const Clock& clock_in, Random& random_in, log::EventLog& log_in, Limits limits_in,
           std::shared_ptr<hsm::LockedArena> arena_in, hsm::DataKeyCache::Limits key_limits)
      : clock(clock_in),
        random(random_in),
        log(log_in),
        limits(limits_in),
        arena(std::move(arena_in)),
        data_keys(arena, clock_in, key_limits),
        secrets(limits_in.secret_cache_bytes),
        tokens(limits_in.token_cache_entries),
        identities(limits_in.identity_cache_entries),
        key_use(limits_in.tenant_key_wraps_max),
        rewrap_pace(limits_in.rewraps_per_second) {}

  const Clock& clock;
  Random& random;
  log::EventLog& log;
  Limits limits;
  std::shared_ptr<hsm::LockedArena> arena;
  hsm::DataKeyCache data_keys;
  ActorRegistry registry;
  std::shared_ptr<Instruments> instruments = std::make_shared<Instruments>();
  Directory directory;
  TenantTable tenants;
  SecretTable secrets;
  TokenTable tokens;
  IdentityTable identities;
  // No generation of any tenant's identity store has the number of another.
  std::atomic<std::uint64_t> identity_generations = 0;
  TenantKeyRings tenant_key_rings;
  KeyUse key_use;
  RewrapPace rewrap_pace;
  RewrapBoard rewraps;
  TenantHeads tenant_heads;
  LogWriterRef log_writer;
  HsmWorkerRef hsm;
  ShredderRef shredder;
  ReaderRef reader;
  PartitionRef partition;         // the embedded vault has one
  hsm::RootEpoch root_epoch = 0;  // set by unseal
  // The root tenant's keys while unsealed: tenant names and token ids need them.
  [[nodiscard]] TenantKeysPtr root_keys() const {
    const std::lock_guard lock(root_mutex);
    return root_keys_value;
  }
  void set_root_keys(TenantKeysPtr keys) {
    const std::lock_guard lock(root_mutex);
    root_keys_value = std::move(keys);
  }
  std::atomic<std::size_t> secret_actors = 0;  // that may still append
  std::atomic<std::size_t> tenant_actors = 0;
  std::atomic<bool> shred_soon = false;  // a mount or tenant is gone: do not wait for the interval
  std::atomic<std::int64_t> last_shred_ended_ns = 0;  // monotonic
  bool blocking_actors_have_threads = true;  // false under the deterministic test scheduler

  // A message whose sender would only wait for it: run inline, but under the deterministic
  // scheduler, which decides itself what runs when.
  template <class ActorRef, class Message>
  void deliver(const ActorRef& to, Message message) const {
    if (blocking_actors_have_threads) return to.run(std::move(message));
    to.send(std::move(message));
  }
  template <class ActorRef, class Message>
  [[nodiscard]] bool try_deliver(const ActorRef& to, Message message) const {
    if (to.stats()->waiting() >= limits.mailbox_max) return false;
    deliver(to, std::move(message));
    return true;
  }

 private:
  mutable std::mutex root_mutex;
  TenantKeysPtr root_keys_value;
};

}  // namespace coffer::actors
