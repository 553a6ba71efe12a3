#include "actors/vault_runtime.h"

#include <future>
#include <thread>

#include "actors/blocking_actors.h"
#include "actors/partition_actor.h"
#include "actors/system_actor.h"

namespace coffer::actors {

RuntimeConfig::RuntimeConfig(unsigned threads) {
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads",
      threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : threads);
}

VaultRuntime::VaultRuntime(caf::actor_system& system, std::unique_ptr<Services> services)
    : system_(system), services_(std::move(services)), token_sweep_(*services_) {}

Result<std::unique_ptr<VaultRuntime>> VaultRuntime::create(
    caf::actor_system& system, const Clock& clock, Random& random, log::EventLog& log,
    std::shared_ptr<hsm::KeyService> key_service, TokenSetup token_setup, RuntimeOptions options) {
  std::string warning;
  auto arena = hsm::LockedArena::create(options.locked_keys_max, warning);
  if (!arena) return fail(ErrorCode::unavailable, "no memory for the key arena: " + warning);
  auto services = std::make_unique<Services>(clock, random, log, options.limits, std::move(arena),
                                             options.data_keys);
  std::unique_ptr<VaultRuntime> runtime(new VaultRuntime(system, std::move(services)));
  runtime->warning_ = std::move(warning);
  runtime->run_actors_to_end_ = std::move(options.run_actors_to_end);
  auto& shared = *runtime->services_;
  shared.blocking_actors_have_threads = !options.deterministic;
  if (options.instruments) shared.instruments = std::move(options.instruments);
  auto top = shared.registry.add("system", "", "system", 0);
  const auto id = top->id;
  shared.log_writer = spawn_log_writer(system, shared, id);
  shared.hsm = spawn_hsm_worker(system, shared, std::move(key_service), id);
  shared.shredder = spawn_shredder(system, shared, id);
  shared.reader = spawn_reader(system, shared, id);
  shared.partition = spawn_partition_actor(system, shared, 0, id);
  runtime->system_actor_ = spawn_system_actor(system, shared, std::move(top));
  runtime->seal_ = std::make_unique<SealService>(shared, std::move(token_setup), options.seal);
  runtime->ceremonies_ = std::make_unique<ShareCeremonies>(shared, *runtime->seal_);
  runtime->recorder_ = std::make_unique<AccessRecorder>(shared);
  COFFER_TRY(runtime->seal_->load());
  return runtime;
}

VaultRuntime::~VaultRuntime() {
  if (recorder_) recorder_->flush_counts(true);
  // From the top down: nothing new begins, then what is queued at the log is written, then the HSM.
  for (const auto& handle : {system_actor_.handle(), services_->partition.handle(),
                             services_->reader.handle(), services_->shredder.handle()})
    if (handle) caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
  if (services_->log_writer) {
    // Exit messages overtake others, so the log writer is asked for an empty append first.
    auto drained = std::make_shared<std::promise<void>>();
    auto job = std::make_shared<AppendJob>();
    job->done = [drained](const auto&) { drained->set_value(); };
    services_->log_writer.send(std::move(job));
    if (services_->blocking_actors_have_threads) drained->get_future().wait();
    caf::anon_send_exit(services_->log_writer.handle(), caf::exit_reason::user_shutdown);
  }
  if (services_->hsm) caf::anon_send_exit(services_->hsm.handle(), caf::exit_reason::user_shutdown);
  // No actor may outlive the services.
  if (services_->blocking_actors_have_threads)
    system_.await_all_actors_done();
  else if (run_actors_to_end_)
    run_actors_to_end_();
  // Not before: an actor that still runs uses the others.
  services_->tenants.clear();
  system_actor_ = {};
  services_->partition = {};
  services_->reader = {};
  services_->shredder = {};
  services_->log_writer = {};
  services_->hsm = {};
}

void VaultRuntime::tick() {
  recorder_->flush_counts(false);
  services_->data_keys.drop_expired();
  shred_in_background();
  if (seal_->active()) token_sweep_.tick();
  if (++ticks_ % 60 != 0) return;
  services_->log_writer.send(std::make_shared<TrimAccessLog>(
      TrimAccessLog{services_->limits.access_age_max, services_->limits.access_bytes_max}));
  go_on_rotating();
}

// A tenant's actor that crashed comes back with the next request; its rotation does not wait for
// that.
void VaultRuntime::go_on_rotating() {
  if (!seal_->active()) return;
  for (const auto& tenant : services_->directory.rotating())
    activate(tenant, [](Result<TenantSnapshotPtr>) {});
}

// Keys that leave without anybody waiting: at once those of unmounted secrets and deleted
// namespaces, at an interval those of versions that were pushed out, since shredding flushes every
// write buffer.
void VaultRuntime::shred_in_background() {
  if (!services_->log.has_deleted_keys()) return;
  const auto waited_ns = services_->clock.monotonic_ns() - services_->last_shred_ended_ns;
  const auto interval_ns = services_->limits.shred_interval.count * 1'000'000'000;
  if (waited_ns < interval_ns && !services_->shred_soon.exchange(false)) return;
  auto shred = std::make_shared<ShredKeys>();
  shred->done = Promise<bool>([](Result<bool>) {});  // the shredder keeps its own error
  services_->shredder.send(std::move(shred));
}

api::ServiceStatus VaultRuntime::status() const {
  return seal_->status();
}

void VaultRuntime::unseal_with_pin(SecretBytes pin, api::Callback<api::ServiceStatus> done) {
  seal_->unseal_with_pin(std::move(pin), std::move(done));
}

void VaultRuntime::initialize_embedded(SecretBytes pin, KeepRootToken keep_root_token,
                                       api::Callback<api::InitOutcome> done) {
  seal_->initialize_automatic(std::move(pin), std::move(keep_root_token), std::move(done));
}

void VaultRuntime::initialize(api::InitRequest request, api::Callback<api::InitOutcome> done) {
  seal_->initialize(request, std::move(done));
}

void VaultRuntime::unseal(SecretBytes share, api::Callback<api::ServiceStatus> done) {
  seal_->add_share(std::move(share), std::move(done));
}

void VaultRuntime::reset_unseal(api::Callback<api::ServiceStatus> done) {
  done(seal_->reset());
}

void VaultRuntime::seal(api::AdmissionPtr admission, api::Callback<api::Changed> done) {
  // Recorded first: once sealed, there is no key to seal the record with.
  record(admission, {204, std::nullopt, 0}, [this, done = std::move(done)](Result<void> recorded) {
    if (!recorded) return done(std::move(recorded).error());
    ceremonies_->forget();
    seal_->seal([done](Result<api::Changed> sealed) {
      if (sealed) sealed->recorded = true;
      done(std::move(sealed));
    });
  });
}

Result<api::AuditHash> VaultRuntime::audit_hash(const api::Admission& admission,
                                                std::string_view text) const {
  const auto root = services_->root_keys();
  const auto& gate = static_cast<const GateAdmission&>(admission);
  if (!root || !gate.snapshot) return fail(ErrorCode::sealed, "Vault is sealed");
  return api::AuditHash{to_hex(root->token_id(text).view()),
                        to_hex(gate.snapshot->keys->name_hash("accessor", {}, text).view())};
}

void VaultRuntime::activate(const TenantId& id, api::Callback<TenantSnapshotPtr> done) {
  auto request = std::make_shared<TenantRequest>();
  request->tenant = id;
  request->body = ActivateTenant{Promise<TenantSnapshotPtr>(std::move(done))};
  if (!services_->partition.try_send(request, services_->limits.mailbox_max))
    std::get<ActivateTenant>(request->body)
        .done.fail(ErrorCode::overloaded, "too many namespaces are being loaded");
}

}  // namespace coffer::actors
