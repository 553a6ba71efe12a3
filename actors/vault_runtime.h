// The actors' side of api::RequestPort: composes services, actors, gate and seal. One per process.
// Threads: every method of RequestPort may be called from any thread. Destruction stops all actors
// and waits for the log writer; no callback runs afterwards.
#pragma once

#include <caf/all.hpp>
#include <functional>
#include <memory>
#include <string>

#include "actors/access_recorder.h"
#include "actors/admission.h"
#include "actors/quota_gate.h"
#include "actors/runtime_readings.h"
#include "actors/seal_service.h"
#include "actors/services.h"
#include "actors/share_ceremonies.h"
#include "actors/token_sweep.h"

namespace coffer::actors {

struct RuntimeOptions {
  Limits limits;
  std::size_t locked_keys_max = 65'536;
  hsm::DataKeyCache::Limits data_keys;
  unsigned scheduler_threads = 0;  // 0: one a core
  SealOptions seal;
  std::shared_ptr<Instruments> instruments;  // null: ones of its own
  // Every actor on the cooperative scheduler, which a test then drives step by step. The log and
  // the key service must not block then.
  bool deterministic = false;
  // With `deterministic`: runs the actors until all have ended. Called at destruction, when each
  // has been told to end.
  std::function<void()> run_actors_to_end;
};

// CAF must be configured before the system starts; embed or derive.
class RuntimeConfig : public caf::actor_system_config {
 public:
  explicit RuntimeConfig(unsigned threads);
};

class VaultRuntime final : public api::RequestPort {
 public:
  // `system` outlives the runtime. `key_service` is used on the HSM worker only from here on.
  // Fails when locked memory cannot be had at all.
  static Result<std::unique_ptr<VaultRuntime>> create(caf::actor_system& system, const Clock& clock,
                                                      Random& random, log::EventLog& log,
                                                      std::shared_ptr<hsm::KeyService> key_service,
                                                      TokenSetup token_setup,
                                                      RuntimeOptions options);
  ~VaultRuntime() override;

  // Warnings of start-up (memory that could not be locked).
  [[nodiscard]] const std::string& warning() const noexcept { return warning_; }
  // Automatic seal: logs in with the PIN and opens the vault. `sealed` problems show in status().
  void unseal_with_pin(SecretBytes pin, api::Callback<api::ServiceStatus> done);
  // Embedded first start: initialises and enables secret/ in the root namespace. `keep_root_token`
  // stores the root token before the vault comes to be, so that no crash can leave one without it.
  void initialize_embedded(SecretBytes pin, KeepRootToken keep_root_token,
                           api::Callback<api::InitOutcome> done);
  // Once a second: finished refusal counts; once a minute: access retention, rotations that stand
  // still.
  void tick();
  // How the runtime stands, for the metrics. Any thread, until destruction begins.
  [[nodiscard]] RuntimeReadings readings() const;

  [[nodiscard]] api::ServiceStatus status() const override;
  [[nodiscard]] Timestamp now() const override { return services_->clock.now(); }
  void initialize(api::InitRequest request, api::Callback<api::InitOutcome> done) override;
  void unseal(SecretBytes share, api::Callback<api::ServiceStatus> done) override;
  void reset_unseal(api::Callback<api::ServiceStatus> done) override;
  void seal(api::AdmissionPtr admission, api::Callback<api::Changed> done) override;
  [[nodiscard]] api::KeyCeremonies& key_ceremonies() override { return *ceremonies_; }

  void admit(api::RequestHead head, std::function<void(api::AdmissionPtr)> done) override;
  api::AdmissionPtr admit_public(api::RequestHead head) override;
  void record(api::AdmissionPtr admission, api::Outcome outcome, api::Callback<void> done) override;

  void read_secret(api::AdmissionPtr admission, std::string path, VersionNumber version,
                   api::Callback<api::SecretRead> done) override;
  void secret_state(api::AdmissionPtr admission, std::string path,
                    api::Callback<api::SecretStatePtr> done) override;
  void write_secret(api::AdmissionPtr admission, api::WriteSecret request, int success_status,
                    api::Callback<api::SecretWritten> done) override;
  void change_secret(api::AdmissionPtr admission, std::string path, secret::Command command,
                     int success_status, api::Callback<api::SecretChanged> done) override;
  void list_secrets(api::AdmissionPtr admission, std::string folder, std::string after,
                    std::size_t limit, api::Callback<std::vector<std::string>> done) override;

  void change_tenant(api::AdmissionPtr admission, tenant::Command command, int success_status,
                     api::Callback<api::Changed> done) override;
  void change_policies(api::AdmissionPtr admission, policy::Command command, int success_status,
                       api::Callback<api::Changed> done) override;
  void create_namespace(api::AdmissionPtr admission, std::string name,
                        tenant::TextMap custom_metadata,
                        api::Callback<api::NamespaceInfo> done) override;
  void change_namespace(api::AdmissionPtr admission, std::string name,
                        tenant::TextMap custom_metadata,
                        api::Callback<api::NamespaceInfo> done) override;
  void delete_namespace(api::AdmissionPtr admission, std::string name,
                        api::Callback<api::Changed> done) override;
  void find_namespace(api::AdmissionPtr admission, std::string name,
                      api::Callback<api::NamespaceInfo> done) override;
  void list_namespaces(api::AdmissionPtr admission,
                       api::Callback<std::vector<api::NamespaceInfo>> done) override;

  void rotate_tenant_key(api::AdmissionPtr admission, std::string name, int success_status,
                         api::Callback<api::Changed> done) override;
  void tenant_key_status(api::AdmissionPtr admission, std::string name,
                         api::Callback<api::KeyStatus> done) override;

  void create_token(api::AdmissionPtr admission, token::TokenRequest request,
                    SecretBytes custom_token, int success_status,
                    api::Callback<api::TokenIssued> done) override;
  void find_token(api::AdmissionPtr admission, api::TokenReference reference,
                  api::Callback<api::TokenFound> done) override;
  void renew_token(api::AdmissionPtr admission, api::TokenReference reference, Seconds increment,
                   int success_status, api::Callback<api::TokenRenewal> done) override;
  void revoke_token(api::AdmissionPtr admission, api::TokenReference reference,
                    bool children_live_on, int success_status,
                    api::Callback<api::Changed> done) override;
  void list_accessors(api::AdmissionPtr admission,
                      api::Callback<std::vector<std::string>> done) override;
  void capabilities(api::AdmissionPtr admission, api::TokenReference reference,
                    std::vector<std::string> paths,
                    api::Callback<std::vector<std::vector<std::string>>> done) override;
  void change_identity(api::AdmissionPtr admission, identity::Command command, int created_status,
                       int changed_status, api::Callback<api::IdentityChanged> done) override;
  void find_entity(api::AdmissionPtr admission, api::IdentityQuery query,
                   api::Callback<std::optional<api::EntityFound>> done) override;
  void find_group(api::AdmissionPtr admission, api::IdentityQuery query,
                  api::Callback<std::optional<api::GroupFound>> done) override;
  void list_entities(api::AdmissionPtr admission, identity::EntityId after, std::size_t limit,
                     api::Callback<std::vector<identity::Entity>> done) override;
  void list_groups(api::AdmissionPtr admission, identity::GroupId after, std::size_t limit,
                   api::Callback<std::vector<api::GroupFound>> done) override;
  [[nodiscard]] bool sees_mount(const api::Admission& admission,
                                std::string_view mount_path) const override;

  void wrap(api::AdmissionPtr admission, SecretBytes content, Seconds ttl,
            std::string creation_path, api::Callback<api::Wrapped> done) override;
  void unwrap(api::AdmissionPtr admission, api::TokenReference reference,
              api::Callback<api::Unwrapped> done) override;
  void lookup_wrapped(api::AdmissionPtr admission, SecretBytes token,
                      api::Callback<token::TokenState> done) override;

  [[nodiscard]] Result<api::AuditHash> audit_hash(const api::Admission& admission,
                                                  std::string_view text) const override;
  [[nodiscard]] std::string state_index(const api::Admission& admission) const override;
  [[nodiscard]] Result<bool> holds_state(std::string_view index) const override;

  void list_actors(api::AdmissionPtr admission,
                   api::Callback<std::vector<api::ActorInfo>> done) override;
  void read_events(api::AdmissionPtr admission, TenantSequence from, std::size_t limit,
                   std::optional<std::string> stream_hex,
                   api::Callback<std::vector<api::EventInfo>> done) override;
  void verify_chain(api::AdmissionPtr admission, api::Callback<api::ChainReport> done) override;

 private:
  VaultRuntime(caf::actor_system& system, std::unique_ptr<Services> services);

  // Gate (request_gate.cpp). A step either refuses, or starts loading what is missing and comes
  // back, or goes on.
  using Admitted = std::function<void(api::AdmissionPtr)>;
  struct GateWalk;
  void walk_gate(std::shared_ptr<GateWalk> walk);
  [[nodiscard]] bool find_tenant(GateWalk& walk);
  void refuse_unknown_namespace(const std::shared_ptr<GateWalk>& walk);
  bool count_request(GateWalk& walk);
  // Sets the refusal when a rate limit is used up. Returns a tenant whose limits are not loaded;
  // then nothing was counted.
  std::optional<TenantId> count_against_limits(const TenantId& tenant, GateAdmission& admission);
  void find_in_cubbyhole(const std::shared_ptr<GateWalk>& walk);
  bool find_token_state(const std::shared_ptr<GateWalk>& walk);
  bool check_ancestors(const std::shared_ptr<GateWalk>& walk);
  bool find_identity(const std::shared_ptr<GateWalk>& walk, const TenantSnapshot& owner);
  bool authorize(const std::shared_ptr<GateWalk>& walk);
  void refuse_access(const std::shared_ptr<GateWalk>& walk);
  void spend_use(const std::shared_ptr<GateWalk>& walk);
  void load_identity_and_retry(const std::shared_ptr<GateWalk>& walk, const TenantId& tenant,
                               const identity::EntityId& id);
  void load_tenant_and_retry(const std::shared_ptr<GateWalk>& walk, const TenantId& id);
  void load_token_and_retry(const std::shared_ptr<GateWalk>& walk, const TokenId& id);

  // Tokens (token_calls.cpp).
  using TokenResolved = std::function<void(Result<TokenStatePtr>)>;
  void resolve_token(const api::AdmissionPtr& admission, const api::TokenReference& reference,
                     TokenResolved done);
  void load_token(const TokenId& id, TokenResolved done);
  void check_token_live(TokenStatePtr token, TokenResolved done);
  void check_parent(TokenStatePtr token, TokenId parent, unsigned depth, TokenResolved done);
  void send_token_change(ChangeToken change, const TenantId& tenant);

  // Identities (identity_calls.cpp).
  using IdentityLoaded = std::function<void(Result<IdentityViewPtr>)>;
  void load_identity(const TenantId& tenant, const identity::EntityId& id,
                     api::Callback<bool> done);
  // The view as it is published; null: to be loaded first.
  [[nodiscard]] IdentityViewPtr find_identity_view(const TenantSnapshot& owner,
                                                   const identity::EntityId& id) const;
  // Of a token; null for nobody's. `owner` is the token's tenant.
  void with_identity(TenantSnapshotPtr owner, TokenStatePtr token, IdentityLoaded done,
                     unsigned loads = 0);
  void with_identity_policies(TokenStatePtr token, api::Callback<std::vector<std::string>> done);

  // Secrets (secret_calls.cpp).
  using SecretLoaded = std::function<void(Result<SecretSnapshotPtr>)>;
  void with_secret(const GateAdmission& admission, const std::string& path, SecretLoaded done);
  void send_secret_request(const GateAdmission& admission, SecretRequestPtr request);
  void open_value(const GateAdmission& admission, const std::string& path, VersionNumber version,
                  const KeyId& key, BytesView sealed, api::Callback<SecretBytes> done);

  // Response wrapping (wrapping_calls.cpp).
  void take_wrapped(TokenStatePtr token, api::Callback<api::Unwrapped> done);

  // Tenant keys (rotation_calls.cpp).
  [[nodiscard]] std::optional<TenantId> named_tenant(const api::AdmissionPtr& admission,
                                                     const std::string& child) const;
  void go_on_rotating();

  void shred_in_background();
  void activate(const TenantId& id, api::Callback<TenantSnapshotPtr> done);

  caf::actor_system& system_;
  std::function<void()> run_actors_to_end_;
  std::string warning_;
  std::unique_ptr<Services> services_;
  SystemRef system_actor_;
  std::unique_ptr<SealService> seal_;
  std::unique_ptr<ShareCeremonies> ceremonies_;
  std::unique_ptr<AccessRecorder> recorder_;
  QuotaGate quota_gate_;
  TokenSweep token_sweep_;
  std::atomic<std::size_t> requests_in_flight_ = 0;
  std::uint64_t ticks_ = 0;
};

}  // namespace coffer::actors
