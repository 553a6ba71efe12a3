#include "tests/support/vault_world.h"

#include <typeinfo>

#include "events/base/check.h"

namespace coffer::testing {
namespace {

constexpr std::string_view kPin = "simulated-pin";
constexpr unsigned kShares = 3;
constexpr unsigned kThreshold = 2;

}  // namespace

VaultWorld::VaultWorld(std::uint64_t seed, actors::RuntimeOptions options)
    : options_(std::move(options)), random_(seed), schedule_(seed ^ 0x5EEDull) {
  options_.deterministic = true;
  options_.run_actors_to_end = [this] { run_actors_to_end(); };
  config_.set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(config_);
  scheduler_ = &dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  log_ = std::make_unique<log::MemoryLog>(random_id<Nonce128>(random_));
  start();
}

VaultWorld::~VaultWorld() {
  ++generation_;
  vault_.reset();
}

void VaultWorld::set_fault_hook(log::MemoryLog::FaultHook hook) {
  fault_hook_ = std::move(hook);
  log_->set_fault_hook(fault_hook_);
}

void VaultWorld::start() {
  log_->set_fault_hook(fault_hook_);
  keys_ = std::make_shared<FakeKeyService>(token_, random_);
  actors::TokenSetup setup;
  setup.token_present = [token = token_] { return Result<bool>{token->initialized}; };
  setup.make_token = [token = token_](const SecretBytes&, const SecretBytes& pin) {
    token->initialized = true;
    token->pin = std::string(pin.expose_text());
    return Result<void>{};
  };
  auto vault = actors::VaultRuntime::create(*system_, clock_, random_, *log_, keys_,
                                            std::move(setup), options_);
  COFFER_CHECK(vault.ok());
  vault_ = std::move(*vault);
}

void VaultWorld::run_actors_to_end() {
  do {
    while (step()) {
    }
  } while (scheduler_->trigger_timeouts() > 0 || scheduler_->has_job());
}

bool VaultWorld::step() {
  auto& jobs = scheduler_->jobs;
  if (jobs.empty()) return false;
  const auto chosen = jobs.begin() + static_cast<std::ptrdiff_t>(schedule_.below(jobs.size()));
  std::rotate(jobs.begin(), chosen, chosen + 1);
  return scheduler_->try_run_once();
}

void VaultWorld::settle() {
  while (step()) {
  }
}

void VaultWorld::advance(std::chrono::nanoseconds span) {
  clock_.advance(span);
  scheduler_->advance_time(span);
}

bool VaultWorld::crash_waiting_actor(std::string_view class_name) {
  for (auto* job : scheduler_->jobs) {
    auto* actor = dynamic_cast<caf::event_based_actor*>(job);
    if (actor == nullptr) continue;
    if (std::string_view(typeid(*actor).name()).find(class_name) == std::string_view::npos)
      continue;
    caf::anon_send_exit(caf::actor_cast<caf::actor>(actor), caf::exit_reason::unhandled_exception);
    return true;
  }
  return false;
}

void VaultWorld::restart(log::LastBatch last) {
  ++generation_;
  // What the dying process still does must not reach the recovered log.
  auto recovered = log_->crash(last, random_id<Nonce128>(random_));
  vault_.reset();
  log_ = std::move(recovered);
  start();
}

SecretBytes VaultWorld::initialize() {
  std::optional<Result<api::InitOutcome>> outcome;
  const auto take = [&](Result<api::InitOutcome> result) { outcome = std::move(result); };
  if (options_.seal.type == api::SealType::shamir)
    vault_->initialize({kShares, kThreshold}, take);
  else
    vault_->initialize_embedded(
        SecretBytes(kPin), [](const SecretBytes&) { return Result<void>{}; }, take);
  settle();
  COFFER_CHECK(outcome && outcome->ok());
  shares_ = std::move((*outcome)->key_shares);
  return std::move((*outcome)->root_token);
}

void VaultWorld::begin_unseal(api::Callback<api::ServiceStatus> done) {
  if (options_.seal.type == api::SealType::automatic)
    return vault_->unseal_with_pin(SecretBytes(kPin), std::move(done));
  for (unsigned i = 0; i < kThreshold; ++i)
    vault_->unseal(
        shares_[i].clone(), i + 1 == kThreshold ? done : [](auto&&) {});
}

Result<api::ServiceStatus> VaultWorld::unseal() {
  std::optional<Result<api::ServiceStatus>> outcome;
  begin_unseal([&](Result<api::ServiceStatus> result) { outcome = std::move(result); });
  settle();
  COFFER_CHECK(outcome.has_value());
  return std::move(*outcome);
}

}  // namespace coffer::testing
