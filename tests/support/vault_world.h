// A whole vault on simulated ports: actors on the test coordinator (which actor runs next follows
// from the seed), a clock moved by hand, MemoryLog, FakeKeyService, seeded randomness. Nothing
// happens by itself: step() handles one message. Threads: one.
#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "actors/vault_runtime.h"
#include "events/log/memory_log.h"
#include "tests/support/fake_key_service.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"

namespace coffer::testing {

class VaultWorld {
 public:
  VaultWorld(std::uint64_t seed, actors::RuntimeOptions options);
  ~VaultWorld();
  VaultWorld(const VaultWorld&) = delete;
  VaultWorld& operator=(const VaultWorld&) = delete;

  actors::VaultRuntime& vault() { return *vault_; }
  log::MemoryLog& log() { return *log_; }
  FakeKeyService& keys() { return *keys_; }
  std::shared_ptr<FakeToken> token() { return token_; }
  ManualClock& clock() { return clock_; }
  SeededRandom& random() { return random_; }
  // Applied to the log now and to every log that a restart brings.
  void set_fault_hook(log::MemoryLog::FaultHook hook);

  // Runs one message of an actor that the seed chooses. False when no actor has anything to do.
  bool step();
  void settle();
  // Both clocks; timers of the actors fire, their messages wait for step().
  void advance(std::chrono::nanoseconds span);
  // Sends an exit message with an error to an actor of this class that has a message waiting
  // ("SecretActor", "TenantActor"). False when there is none.
  bool crash_waiting_actor(std::string_view class_name);
  [[nodiscard]] std::size_t waiting_jobs() const { return scheduler_->jobs.size(); }

  // The process dies now and comes back on what the log holds: still sealed. Callbacks of the old
  // process may run during the call; the caller tells them apart by generation().
  void restart(log::LastBatch last);
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

  // Initialises with the PIN or with shares, as the options say; the root token.
  SecretBytes initialize();
  // Of the vault as it is; what unseal() hands over.
  [[nodiscard]] const std::vector<SecretBytes>& shares() const noexcept { return shares_; }
  void set_shares(std::vector<SecretBytes> shares) { shares_ = std::move(shares); }
  // Runs until the answer is there; the status afterwards.
  Result<api::ServiceStatus> unseal();
  // Hands over the PIN or the shares; nothing has run yet.
  void begin_unseal(api::Callback<api::ServiceStatus> done);

 private:
  void start();
  void run_actors_to_end();

  actors::RuntimeOptions options_;
  ManualClock clock_;
  SeededRandom random_;    // of the vault
  SeededRandom schedule_;  // of the order in which actors run
  std::shared_ptr<FakeToken> token_ = std::make_shared<FakeToken>();
  std::unique_ptr<log::MemoryLog> log_;
  log::MemoryLog::FaultHook fault_hook_;
  std::vector<SecretBytes> shares_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;
  std::shared_ptr<FakeKeyService> keys_;
  std::unique_ptr<actors::VaultRuntime> vault_;
  std::uint64_t generation_ = 0;
};

}  // namespace coffer::testing
