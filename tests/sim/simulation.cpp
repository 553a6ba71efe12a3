#include "tests/sim/simulation.h"

#include <fmt/format.h>

namespace coffer::sim {
namespace {

constexpr std::size_t kHistoryMax = 4000;
constexpr unsigned kMovesMax = 200'000;

}  // namespace

Simulation::Simulation(const SimOptions& options)
    : options_(options),
      choice_(options.seed ^ 0xC401CEull),
      world_(options.seed, options.runtime),
      audit_(world_) {}

Simulation::~Simulation() {
  world_.set_fault_hook(nullptr);
  abandon_requests();
}

void Simulation::violate(std::string what) {
  if (!violation_) violation_ = std::move(what);
}

void Simulation::note(std::string what) {
  for (const char c : what) trace_ = (trace_ ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  history_.push_back(std::move(what));
  if (history_.size() > 2 * kHistoryMax)
    history_.erase(history_.begin(), history_.begin() + kHistoryMax);
}

std::string Simulation::history() const {
  std::string text;
  for (const auto& line : history_) text += "  " + line + "\n";
  return text;
}

std::optional<std::string> Simulation::run() {
  start_up();
  for (unsigned i = 0; i < kMovesMax && !violation_; ++i) {
    if (begun_ >= options_.requests && under_way_.empty()) break;
    move();
    if (!violation_ && choice_.below(400) == 0) check();
  }
  if (!violation_) check();
  if (!violation_) {
    crash_process(log::LastBatch::kept);
    check();
  }
  return violation_;
}

void Simulation::start_up() {
  world_.set_fault_hook([this](std::span<const log::Append> batch) { return on_append(batch); });
  checking_ = true;
  if (options_.planted == Planted::stale_snapshot) world_.log().serve_stale_rows();
  auto root = std::make_shared<TokenModel>();
  root->text = world_.initialize();
  root->home = model_.namespaces[""] = std::make_shared<NamespaceModel>();
  root->home->policies["default"] = {std::nullopt};
  root->state.exists = true;
  root->state.policies = {"root"};
  model_.tokens.push_back(root);
  if (!world_.unseal()) return violate("cannot unseal after the initialisation");
  if (options_.runtime.seal.type == api::SealType::automatic) {
    auto mount = std::make_shared<MountModel>();
    mount->path = "secret/";
    root->home->mounts["secret/"] = mount;
  }
  checking_ = false;
}

void Simulation::move() {
  if (crash_) {
    crash_process(*crash_);
    return check();
  }
  if (chance(options_.crash_permille) && choice_.below(10) == 0) {
    crash_process(log::LastBatch::lost);
    return check();
  }
  fault();
  const bool client = choice_.below(100) >= options_.step_percent;
  const bool may_begin = begun_ < options_.requests && under_way_.size() < options_.clients;
  if (client && may_begin && !log_refuses_) return begin_request();
  if (world_.step()) return;
  if (!under_way_.empty()) {
    // Nothing can answer them any more.
    return violate("no answer: " + under_way_.front()->what);
  }
  if (log_refuses_ || sealed_) return check();
  if (may_begin) begin_request();
}

void Simulation::fault() {
  if (chance(options_.clock_permille)) move_clock();
  if (chance(options_.hsm_permille)) {
    switch (choice_.below(3)) {
      case 0:
        world_.keys().fail_next(static_cast<unsigned>(1 + choice_.below(4)));
        break;
      case 1:
        world_.keys().fail_next_open();
        break;
      default:
        world_.keys().lose_token();
    }
    note("HSM fault");
  }
  if (chance(options_.actor_crash_permille)) {
    const auto* victim = choice_.below(3) == 0 ? "TenantActor" : "SecretActor";
    if (world_.crash_waiting_actor(victim)) note(fmt::format("crash of a {}", victim));
  }
  if (chance(options_.seal_permille) && !sealed_) operator_seals();
  if (choice_.below(50) == 0) world_.vault().tick();
}

void Simulation::move_clock() {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto span = static_cast<std::int64_t>(1 + choice_.below(20)) * kSecond;
  switch (choice_.below(4)) {
    case 0:
      world_.clock().jump(std::chrono::nanoseconds(span * 10));
      break;
    case 1:
      world_.clock().jump(std::chrono::nanoseconds(-span));
      break;
    default:
      world_.advance(std::chrono::nanoseconds(span));
  }
  note(fmt::format("clock {}", world_.clock().now().ns));
  for (auto& [path, space] : model_.namespaces)
    for (auto& [name, mount] : space->mounts)
      for (auto& [key, secret] : mount->secrets) secret.note_time(world_.clock().now().ns);
  // Whether a token was alive at its request is not known for what is under way.
  for (const auto& request : under_way_) request->disturbed = true;
}

void Simulation::operator_seals() {
  auto request = make_request(model_.tokens.front(), model_.namespaces.at(""),
                              policy::Operation::update, "sys/seal");
  request->what = "seal";
  request->changes_structure = true;
  request->run = [](api::RequestPort& vault, const api::AdmissionPtr& admission, auto finish) {
    vault.seal(admission, [finish](Result<api::Changed> sealed) {
      Finish out;
      if (sealed)
        out.recorded = sealed->recorded;
      else
        out.error = sealed.error();
      finish(out);
    });
  };
  request->learn = [](const Finish&) {};
  sealed_ = true;
  start(request);
}

void Simulation::begin_request() {
  SimRequestPtr request;
  const auto kind = choice_.below(100);
  if (chance(options_.rotation_permille))
    request = rotation_request();
  else if (kind < options_.structure_percent)
    request = structure_request();
  else if (kind < options_.structure_percent + options_.token_percent)
    request = token_request();
  if (!request) request = secret_request();
  if (!request) request = structure_request();
  if (!request) return;
  ++begun_;
  start(request);
}

log::AppendFault Simulation::on_append(std::span<const log::Append> batch) {
  if (options_.planted == Planted::forgotten_append && begun_ > options_.requests / 2 &&
      !checking_) {
    options_.planted = Planted::none;
    return log::AppendFault::forget;
  }
  if (options_.planted == Planted::skipped_record && begun_ > options_.requests / 2 &&
      !batch.empty() && !batch.front().access.empty() && !checking_) {
    options_.planted = Planted::none;
    return log::AppendFault::skip_access;
  }
  if (checking_) return log::AppendFault::none;
  if (chance(options_.refused_append_permille)) {
    note("append refused");
    return log::AppendFault::unavailable;
  }
  const bool crash = chance(options_.crash_permille);
  if (!crash && !chance(options_.unknown_append_permille)) return log::AppendFault::none;
  note(crash ? "crash at an append" : "append with unknown outcome");
  log_refuses_ = true;
  if (crash) crash_ = choice_.below(2) == 0 ? log::LastBatch::lost : log::LastBatch::kept;
  return log::AppendFault::unknown;
}

void Simulation::crash_process(log::LastBatch last) {
  note(last == log::LastBatch::kept ? "restart, last batch kept" : "restart, last batch lost");
  ++restarts_;
  abandon_requests();
  checking_ = true;
  world_.restart(last);
  crash_.reset();
  log_refuses_ = false;
  const auto status = world_.unseal();
  if (!status || status->sealed)
    violate("cannot unseal after a restart: " +
            (status ? status->problem : status.error().message));
  sealed_ = false;
  checking_ = false;
}

}  // namespace coffer::sim
