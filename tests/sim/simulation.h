// One deterministic run of a whole vault: virtual clients with interleaved requests, faults, and an
// oracle outside. The seed decides everything, so the same seed gives the same trace.
//
//   move     an actor handles one message, or a client begins a request, or something goes wrong
//   request  admit -> operation -> record, as net/ does it
//   check    everything comes to rest, then every answer the vault can give is compared with the
//            model; after each restart and now and then in between
#pragma once

#include <optional>
#include <string>

#include "tests/sim/access_audit.h"
#include "tests/sim/sim_options.h"
#include "tests/sim/vault_model.h"

namespace coffer::sim {

// What an operation came to, for record() and for the model.
struct Finish {
  std::optional<Error> error;
  std::string answer;  // what the linearizer compares
  bool recorded = false;
  int status = 200;

  // Ours, not the caller's: whether it took effect is not known.
  [[nodiscard]] bool is_lost() const {
    return error.has_value() && !is_callers_mistake(error->code);
  }
};

struct SimRequest {
  std::string id;
  std::string what;  // for messages
  TokenPtr token;
  NamespacePtr where;
  policy::Operation operation = policy::Operation::read;
  std::string path;
  // The operation itself; `finish` exactly once.
  std::function<void(api::RequestPort&, const api::AdmissionPtr&, std::function<void(Finish)>)> run;
  // The model learns. Not called for a request that was not admitted.
  std::function<void(const Finish&)> learn;
  // It was not admitted: nothing happened.
  std::function<void()> withdraw;
  bool changes_structure = false;  // namespaces, mounts, policies, tokens
  bool needs_mount = false;        // without one net/ answers by itself

  std::uint64_t generation = 0;
  std::optional<bool> expected;  // to be admitted
  bool disturbed = false;        // a change of structure was under way at the same time
  bool of_check = false;         // begun while everything is at rest and no fault comes
  api::AdmissionPtr admission;
  bool admitted = false;
  bool finished = false;
  bool done = false;
  Finish result;
};
using SimRequestPtr = std::shared_ptr<SimRequest>;

class Simulation {
 public:
  explicit Simulation(const SimOptions& options);
  ~Simulation();

  // The violation, if any.
  std::optional<std::string> run();
  // Hash of everything that happened: equal for equal seeds.
  [[nodiscard]] std::uint64_t trace() const noexcept { return trace_; }
  [[nodiscard]] unsigned restarts() const noexcept { return restarts_; }
  [[nodiscard]] unsigned checks() const noexcept { return checks_; }
  // The last things that happened, for a failing seed.
  [[nodiscard]] std::string history() const;

 private:
  // Moves (simulation.cpp).
  void start_up();
  void move();
  void fault();
  void begin_request();
  log::AppendFault on_append(std::span<const log::Append> batch);
  void crash_process(log::LastBatch last);
  void operator_seals();
  void move_clock();
  void violate(std::string what);
  void note(std::string what);
  bool chance(unsigned permille) { return permille > 0 && choice_.below(1000) < permille; }

  // Requests (sim_requests.cpp).
  void start(SimRequestPtr request);
  void admitted(const SimRequestPtr& request, api::AdmissionPtr admission);
  void operated(const SimRequestPtr& request, Finish finish);
  void complete(const SimRequestPtr& request, bool recorded);
  void check_admission(const SimRequest& request);
  void abandon_requests();
  void judge_error(const SimRequest& request, const Error& error);
  // Runs one request of the checker to its end; nothing else is under way.
  SimRequestPtr ask(const NamespacePtr& where, policy::Operation operation, std::string path,
                    decltype(SimRequest::run) run);
  [[nodiscard]] std::string next_id();
  SimRequestPtr make_request(TokenPtr token, NamespacePtr where, policy::Operation operation,
                             std::string path);

  // Workloads (secret_workload.cpp, structure_workload.cpp, token_workload.cpp).
  SimRequestPtr secret_request();
  void add_secret_change(const SimRequestPtr& request, const MountPtr& mount,
                         const std::string& name, std::string prefix, secret::Command command,
                         Linearizer::Apply apply);
  void add_write(const SimRequestPtr& request, const MountPtr& mount, const std::string& name);
  void add_read(const SimRequestPtr& request, const MountPtr& mount, const std::string& name,
                VersionNumber version);
  void add_state(const SimRequestPtr& request, const MountPtr& mount, const std::string& name);
  void add_deletion(const SimRequestPtr& request, const MountPtr& mount, const std::string& name);
  void add_metadata(const SimRequestPtr& request, const MountPtr& mount, const std::string& name);
  void follow(const SimRequestPtr& request, const MountPtr& mount, const std::string& name,
              Linearizer::Apply apply);
  SimRequestPtr structure_request();
  SimRequestPtr namespace_request();
  SimRequestPtr mount_request();
  SimRequestPtr mount_settings_request(const NamespacePtr& where, const MountPtr& mount);
  SimRequestPtr policy_request();
  SimRequestPtr rotation_request();
  SimRequestPtr token_request();
  SimRequestPtr token_creation();
  SimRequestPtr token_renewal(const TokenPtr& token);
  SimRequestPtr token_revocation(const TokenPtr& token);
  [[nodiscard]] NamespacePtr any_namespace();
  [[nodiscard]] TokenPtr any_token(const NamespaceModel& where);
  [[nodiscard]] bool is_busy(const MountModel& mount) const;

  // Checks (sim_checks.cpp).
  void check();
  void come_to_rest();
  void check_namespaces();
  void check_tenant(const NamespacePtr& where);
  void check_mounts(const NamespacePtr& where, const tenant::TenantState& state);
  void check_policies(const NamespacePtr& where, const policy::PolicySet& policies);
  void check_secrets(const NamespacePtr& where, const MountPtr& mount);
  void check_listing(const NamespacePtr& where, const MountPtr& mount);
  void check_tokens();
  void check_token(const TokenPtr& token);
  void check_chains();
  void finish_rotations();  // key_checks.cpp
  void check_keys();

  SimOptions options_;
  testing::SeededRandom choice_;
  testing::VaultWorld world_;
  VaultModel model_;
  AccessAudit audit_;
  std::vector<SimRequestPtr> under_way_;
  std::optional<std::string> violation_;
  std::vector<std::string> history_;
  std::uint64_t trace_ = 14695981039346656037ull;
  std::uint64_t serial_ = 0;  // of requests and values
  bool checking_ = false;     // faults are off
  bool at_rest_ = false;      // and what was under way has ended
  bool sealed_ = false;       // by the operator
  bool log_refuses_ = false;  // until the process restarts
  std::optional<log::LastBatch> crash_;
  unsigned restarts_ = 0;
  unsigned checks_ = 0;
  unsigned begun_ = 0;
};

}  // namespace coffer::sim
