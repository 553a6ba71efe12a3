// The rotation of one tenant's key: makes the new key, has it recorded, re-wraps what the old one
// wraps and retires it. Part of the tenant's actor and used only inside it; never blocks.
//
//   idle ── rotate ──> new key from the HSM ──> rotated (event) ──┐
//   (restart) ────────────────────────────────────────────────────┴─> drain ──> count ──> walk ─┐
//        ┌── retired (event), shredded <── nothing left ── count <── end ──┬── re-wrapped (event)│
//   idle <┘                                                  └── left ──>  └── HSM <── page <────┘
//
// drain   The HSM worker runs one job at a time, so behind an empty job everybody who wraps sees
// the
//         new key. What was wrapped before and is not in the store yet holds a lease (key_use.h).
// count   Of all blobs under the old key. None, counted after the drain: none can come any more.
// walk    Secrets in the order of their rows: place and blob of each old data key (reader), the
// same
//         key under the new tenant key (HSM worker), batches of replacements (log writer).
//
// The secret's own actor is not asked, or a rotation would wake every secret of the tenant. What
// makes that safe is the condition of each replacement: the log writer compares the row with what
// was read here, so a key that was destroyed, removed or unmounted meanwhile stays gone. Nothing
// else changes such a row, hence the comparison never fails for another reason.
//
// A crash at any point loses at most the batch under way: keyring and blobs say where to go on.
#pragma once

#include <chrono>
#include <deque>
#include <functional>

#include "actors/rewrap_scan.h"
#include "actors/tenant_opening.h"

namespace coffer::actors {

class KeyRotation {
 public:
  struct Owner {
    // Runs a continuation inside the tenant's actor, from any thread, or never when it is gone.
    std::function<void(std::function<void()>)> resume;
    std::function<void(ChangeTenant)> change;
    // Has wake() called inside the actor after a while.
    std::function<void(std::chrono::nanoseconds)> wake_after;
  };
  KeyRotation(Services& services, ActorStatsPtr stats, const TenantId& tenant, Owner owner)
      : services_(services), stats_(std::move(stats)), tenant_(tenant), owner_(std::move(owner)) {}

  // The tenant's keys are open: goes on with a rotation that was under way.
  void start(TenantKeysPtr keys);
  // invalid_argument: a rotation is under way.
  void rotate(const RotateKey& request);
  // From a timer: rotates a key that has wrapped as often as it may.
  void rotate_when_due();
  void wake();
  // The actor ends.
  void stop() noexcept {
    next_ = nullptr;
    pending_.clear();
    keys_.reset();
  }

 private:
  using Step = void (KeyRotation::*)();
  struct Batch;

  void append_rotation(const RotateKey& request, const std::shared_ptr<RotatedKeys>& made);
  void begin();
  void drain();
  void wait_for_leases();
  void count();
  void count_page(const std::shared_ptr<BlobCount>& so_far);
  void counted(std::uint64_t left);
  void walk();
  void rewrap();
  void rewrapped(const std::shared_ptr<Batch>& batch);
  void retire();
  void retired(const KeyId& key);

  template <class T>
  void read(std::function<Result<T>()> run, std::function<void(T)> then, Step again);
  void change(KeyringChange change, std::function<void(const Result<void>&)> then);
  void later(std::chrono::nanoseconds delay, Step step);
  void retry(const Error& error, Step step);
  void unload(const KeyId& key) const;
  [[nodiscard]] TenantKeyRingPtr ring() const { return services_.tenant_key_rings.find(tenant_); }

  Services& services_;
  const ActorStatsPtr stats_;
  const TenantId tenant_;
  const Owner owner_;
  TenantKeysPtr keys_;
  bool preparing_ = false;  // a new key is being made
  bool running_ = false;    // an old one is on its way out
  Step next_ = nullptr;     // at the next wake()
  RewrapNote note_;
  keyring::KeyTerm term_ = 0;  // whose blobs are re-wrapped
  Bytes after_;                // the walk so far
  bool walk_ended_ = false;
  std::uint64_t found_in_walk_ = 0;
  std::deque<RewrapCandidate> pending_;
};

}  // namespace coffer::actors
