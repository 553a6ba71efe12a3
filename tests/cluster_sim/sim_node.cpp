#include "tests/cluster_sim/sim_node.h"

namespace coffer::sim {
namespace {

class SimEnvironment final : public log::KafkaEnvironment {
 public:
  SimEnvironment(SimNetwork& network, SimDisk& disk, const log::OwnershipRules& rules)
      : network_(network), disk_(disk), rules_(rules) {}

  Time now() override { return network_.process().clock(); }
  void sleep_until(Time time) override { network_.process().sleep_until(time); }
  const log::OwnershipRules& rules() const override { return rules_; }
  Result<void> check_topics() override {
    network_.process().sleep(network_.delay());
    const auto& link = network_.link();
    if (link.to_brokers && link.from_brokers) return {};
    return fail(ErrorCode::unavailable, "no broker");
  }
  Result<std::shared_ptr<log::StateStore>> open_store() override {
    network_.process().sleep(network_.delay());
    return open_sim_store(disk_, network_.process());
  }
  Result<std::unique_ptr<log::KafkaProducer>> make_producer(std::span<const std::string>) override {
    COFFER_TRY(check_topics());
    return network_.make_producer();
  }
  Result<std::unique_ptr<log::KafkaReader>> make_reader() override {
    return network_.make_reader();
  }

 private:
  SimNetwork& network_;
  SimDisk& disk_;
  const log::OwnershipRules& rules_;
};

}  // namespace

SimNode::SimNode(const Surroundings& around, std::string name, const ProcessOptions& process,
                 const NetworkOptions& network, log::Milliseconds lease, Mutant mutant)
    : around_(around),
      name_(std::move(name)),
      process_(process),
      network_(network),
      mutant_(mutant) {
  network_.producer_fault = producer_fault_of(mutant);
  log_.node = name_;
  log_.lease = lease;
  log_.stall_max = log::Milliseconds(4'000);
}

SimNode::~SimNode() {
  if (life_) life_->process->die();
}

void SimNode::start() {
  if (life_) former_.push_back(std::move(life_));
  life_ = std::make_unique<Life>();
  life_->process = std::make_shared<Process>(around_.world, name_, process_);
  life_->network = std::make_unique<SimNetwork>(*life_->process, around_.broker, link_, network_);
  life_->service = std::make_unique<RegisterService>(
      *life_->process, around_.conditions,
      [&coordinator = around_.coordinator, &network = *life_->network] {
        return coordinator.join(network);
      },
      service_fault_of(mutant_));
  life_->cycle = std::make_unique<log::OwnerCycle>(
      log_, std::make_shared<SimEnvironment>(*life_->network, disk_, rules_of(mutant_)), nullptr,
      *life_->service, around_.world.random());
  life_->process->start([cycle = life_->cycle.get()] { cycle->run(); });
}

void SimNode::crash(Loss loss) {
  if (!alive()) return;
  life_->process->die();
  life_->cycle.reset();
  if (loss == Loss::power) disk_.lose(around_.world.below(disk_.unsynced() + 1));
  if (loss == Loss::disk) disk_.wipe();
}

void SimNode::calm() {
  process_.preempt_permille = process_.stop_per_million = 0;
  if (life_) life_->process->calm();
}

}  // namespace coffer::sim
