#include "tests/cluster_sim/cluster_simulation.h"

#include "tests/cluster_sim/cluster_calls.h"

namespace coffer::sim {
namespace {

constexpr Nanos kPeaceMax = 90 * kSecond;
constexpr Nanos kSettling = 8 * kSecond;  // longer than anything is under way

const std::vector<std::string>& topics() {
  static const auto names = [] {
    const auto all = log::topic_names(log::KafkaTopicOptions{}.prefix);
    return std::vector{all.events, all.access, all.keys};
  }();
  return names;
}

std::optional<codec::ReplicaPosition> position_of(const SimDisk& disk) {
  auto row = log::meta_row("kafka/");
  append_u32(row, 0);
  const auto& meta = disk.table(log::Family::meta);
  const auto found = meta.find(row);
  if (found == meta.end()) return std::nullopt;
  const auto position = codec::decode_replica_position(found->second);
  return position ? std::optional{*position} : std::nullopt;
}

}  // namespace

ClusterSimulation::ClusterSimulation(const ClusterOptions& options)
    : options_(options),
      world_(options.seed ^ 0xC105753ull),
      broker_(world_),
      coordinator_(world_) {
  build();
}

ClusterSimulation::~ClusterSimulation() {
  for (const auto& call : calls_) call->request.reply = nullptr;
}

void ClusterSimulation::violate(std::string what) {
  if (!violation_) violation_ = std::move(what);
}

void ClusterSimulation::build() {
  for (unsigned i = 0; i < options_.registers; ++i)
    registers_.emplace_back(secret::MountSettings{});
  broker_.partition(topics()[0]).on_commit = [this](auto offset, const auto& record) {
    on_event(offset, record);
  };
  broker_.partition(topics()[2]).on_commit = [this](auto, const auto& record) {
    spec_.add_blob(record);
  };
  coordinator_.set_misbehaviour(options_.misbehaviour_permille);
  for (unsigned i = 0; i < options_.nodes; ++i) {
    auto process = options_.process;
    if (options_.drift_ppm_max > 0)
      process.drift_ppm = static_cast<std::int64_t>(world_.below(
                              static_cast<std::uint64_t>(2 * options_.drift_ppm_max + 1))) -
                          options_.drift_ppm_max;
    nodes_.push_back(std::make_unique<SimNode>(
        SimNode::Surroundings{world_, broker_, coordinator_, conditions_},
        std::string(1, char('a' + i)), process, NetworkOptions{}, options_.lease, options_.mutant));
    nodes_.back()->link().loss_permille = options_.loss_permille;
    nodes_.back()->link().slow_permille = options_.slow_permille;
    nodes_.back()->link().stop_permille = options_.stop_permille;
    nodes_.back()->link().slow_answer_permille = options_.slow_answer_permille;
    nodes_.back()->start();
  }
  favourites_.assign(options_.clients, 0);
  coordinate();
  next_fault();
  for (unsigned i = 0; i < options_.clients; ++i) think(i);
}

void ClusterSimulation::coordinate() {
  coordinator_.turn();
  world_.after(500 * kMillisecond, [this] { coordinate(); });
}

// ---------------------------------------------------------------- faults
void ClusterSimulation::next_fault() {
  world_.after(world_.delay(options_.fault_pause_max) + 50 * kMillisecond, [this] {
    if (peace_) return;
    fault();
    next_fault();
  });
}

void ClusterSimulation::fault() {
  const auto total = options_.crash_weight + options_.stop_weight + options_.partition_weight +
                     options_.fail_over_weight + options_.hsm_weight;
  if (total == 0) return;
  auto choice = world_.below(total);
  auto& node = world_.below(2) == 0 ? *nodes_[favourite_] : any_node();
  if (choice < options_.crash_weight) return crash(node);
  choice -= options_.crash_weight;
  if (choice < options_.stop_weight) {
    if (!node.alive()) return;
    const auto length = world_.delay(5 * kSecond);
    world_.note(fmt::format("{} is stopped for {} ms", node.name(), length / kMillisecond));
    return node.process().stop_for(length);
  }
  choice -= options_.stop_weight;
  if (choice < options_.partition_weight) return part(node);
  choice -= options_.partition_weight;
  if (choice < options_.hsm_weight) return lose_hsm();
  auto& partition = broker_.partition(topics()[world_.below(topics().size())]);
  partition.fail_over(world_.delay(1'500 * kMillisecond));
  if (world_.below(4) == 0) {
    node.link().asks_old_leader = true;
    world_.after(world_.delay(2 * kSecond), [&node] { node.link().asks_old_leader = false; });
  }
  if (world_.below(4) == 0) broker_.partition(topics()[2]).compact();
}

void ClusterSimulation::crash(SimNode& node) {
  if (!node.alive()) return;
  const auto kind = world_.below(8);
  const auto loss = kind == 0  ? SimNode::Loss::disk
                    : kind < 4 ? SimNode::Loss::power
                               : SimNode::Loss::process;
  constexpr std::string_view kWhat[] = {"is killed", "loses power", "loses its disk"};
  world_.note(node.name() + " " + std::string(kWhat[static_cast<std::size_t>(loss)]));
  node.crash(loss);
  crashed(node);
  world_.after(world_.delay(4 * kSecond), [this, &node] {
    if (node.alive()) return;
    world_.note(node.name() + " starts");
    node.start();
    if (peace_) node.calm();
  });
}

void ClusterSimulation::part(SimNode& node) {
  const auto kind = world_.below(3);
  auto& link = node.link();
  if (kind != 0) link.to_brokers = false;
  if (kind != 1) link.from_brokers = false;
  const auto length = world_.delay(4 * kSecond);
  world_.note(fmt::format("{} is cut off for {} ms{}", node.name(), length / kMillisecond,
                          kind == 0   ? ", hears nothing"
                          : kind == 1 ? ", is not heard"
                                      : ""));
  world_.after(length, [&link] { link.to_brokers = link.from_brokers = true; });
}

void ClusterSimulation::lose_hsm() {
  if (!std::exchange(conditions_.hsm_works, false)) return;
  const auto length = world_.delay(6 * kSecond);
  world_.note(fmt::format("the HSM is away for {} ms", length / kMillisecond));
  world_.after(length, [this] { conditions_.hsm_works = true; });
}

void ClusterSimulation::make_peace() {
  world_.note("peace");
  peace_ = true;
  conditions_ = {};
  coordinator_.set_misbehaviour(0);
  for (auto& node : nodes_) {
    node->link() = Link{};
    node->calm();
    if (node->alive()) node->process().resume_now();
  }
}

// ---------------------------------------------------------------- the run
bool ClusterSimulation::run_until(Nanos until, const std::function<bool()>& done) {
  while (!violation_ && world_.now() < until) {
    if (done()) return true;
    if (!world_.step()) return false;
  }
  return false;
}

std::optional<std::string> ClusterSimulation::run() {
  run_until(options_.length, [this] {
    return statistics_.answered + statistics_.lost >= options_.requests && calls_.empty();
  });
  if (!violation_) make_peace();
  run_until(world_.now() + kSettling, [] { return false; });
  if (!violation_) read_everything();
  if (!violation_ && !run_until(world_.now() + kPeaceMax, [this] { return is_caught_up(); }))
    violate("a node does not catch up");
  if (!violation_) check_blobs();
  if (!violation_ && !run_until(world_.now() + kPeaceMax, [this] { return is_caught_up(); }))
    violate("a node does not catch up after the shredding");
  if (!violation_) compare_nodes();
  return violation_;
}

SimNode* ClusterSimulation::owner() const {
  for (const auto& node : nodes_)
    if (node->alive() && node->service().owns()) return node.get();
  return nullptr;
}

std::optional<std::string> ClusterSimulation::run_outage(Nanos length, bool sealed,
                                                         Nanos& without_owner) {
  const auto owned = [this] { return owner() != nullptr; };
  if (!run_until(world_.now() + 10 * kSecond, owned)) violate("nobody owns at first");
  if (violation_) return violation_;
  conditions_.hsm_works = false;
  owner()->crash(SimNode::Loss::process);
  if (run_until(world_.now() + length, owned)) violate("a service began without the HSM");
  conditions_ = {true, !sealed};
  run_until(world_.now() + (sealed ? kSecond : 0), [] { return false; });
  conditions_ = {};
  const auto back = world_.now();
  if (!run_until(back + 600 * kSecond, owned)) violate("nobody owns any more");
  without_owner = world_.now() - back;
  return violation_;
}

bool ClusterSimulation::is_caught_up() {
  for (const auto& node : nodes_) {
    const auto position = position_of(node->disk());
    if (!position || position->events_next != broker_.partition(topics()[0]).end() ||
        position->access_next != broker_.partition(topics()[1]).end())
      return false;
  }
  return true;
}

void ClusterSimulation::read_everything() {
  for (unsigned key = 0; key < options_.registers; ++key) {
    const auto until = world_.now() + kPeaceMax;
    bool answered = false;
    while (!violation_ && !answered && world_.now() < until) {
      const auto call = std::make_shared<Call>();
      call->request.id = ++serial_;
      call->request.key = key;
      send(call, static_cast<unsigned>(world_.below(nodes_.size())));
      run_until(world_.now() + 10 * kSecond, [&] { return call->done; });
      answered = call->answered;
      if (!answered) run_until(world_.now() + 100 * kMillisecond, [] { return false; });
    }
    if (!answered) violate("the cluster does not answer any more");
  }
}

void ClusterSimulation::check_blobs() {
  SimNode* const owner_now = owner();
  if (owner_now == nullptr) return violate("no node owns the partition");
  auto& service = owner_now->service();
  service.shred_soon();
  const auto shredded = [&] { return service.shredded() && !service.writing(); };
  if (!run_until(world_.now() + kPeaceMax, shredded))
    return violate("destroyed keys are not shredded");
  const auto live = spec_.live_blobs();
  auto& partition = broker_.partition(topics()[2]);
  std::map<Bytes, bool> there;
  for (std::uint64_t offset = 0; offset < partition.end(); ++offset)
    there[partition.at(offset).key] = partition.at(offset).value.has_value();
  for (const auto& [key, has_blob] : there)
    if (has_blob && !live.contains(key) && spec_.was_used(key))
      violate("a destroyed wrapped key stays in its topic");
  for (const auto& key : live)
    if (!there[key]) violate("a wrapped key in use is not in its topic");
}

void ClusterSimulation::compare_nodes() {
  for (const auto& node : nodes_) {
    if (const auto wrong = spec_.compare(node->disk()); !wrong.empty())
      violate(node->name() + " has " + wrong);
    if (const auto wrong = check_chains(node->disk()); !wrong.empty())
      violate(node->name() + " has " + wrong);
    // A node whose disk was lost has all of it again: nothing is trimmed here.
    if (node->disk().table(kAccessTable) != nodes_.front()->disk().table(kAccessTable))
      violate(node->name() + " has other access records than " + nodes_.front()->name());
  }
}

ClusterSimulation::Statistics ClusterSimulation::statistics() const {
  auto out = statistics_;
  out.claims = spec_.claims();
  out.skipped_records = spec_.skipped();
  for (const auto& model : registers_) out.gave_up += model.gave_up() ? 1 : 0;
  return out;
}

}  // namespace coffer::sim
