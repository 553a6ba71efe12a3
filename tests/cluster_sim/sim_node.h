// One node of the simulated cluster: its disk and its connections, which outlive its processes, and
// the process that runs now: the product's OwnerCycle with the simulated service.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/cluster_sim/mutants.h"
#include "tests/cluster_sim/register_service.h"
#include "tests/cluster_sim/sim_group.h"
#include "tests/cluster_sim/sim_store.h"

namespace coffer::sim {

class SimNode {
 public:
  struct Surroundings {
    World& world;
    SimBroker& broker;
    SimCoordinator& coordinator;
    const ServiceConditions& conditions;
  };
  SimNode(const Surroundings& around, std::string name, const ProcessOptions& process,
          const NetworkOptions& network, log::Milliseconds lease, Mutant mutant);
  ~SimNode();

  void start();
  enum class Loss : std::uint8_t { process, power, disk };
  void crash(Loss loss);
  // No more preemption or stops by themselves.
  void calm();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool alive() const noexcept { return life_ && life_->process->alive(); }
  [[nodiscard]] Process& process() const { return *life_->process; }
  [[nodiscard]] RegisterService& service() const { return *life_->service; }
  [[nodiscard]] Link& link() noexcept { return link_; }
  [[nodiscard]] const SimDisk& disk() const noexcept { return disk_; }

 private:
  struct Life {
    std::shared_ptr<Process> process;
    std::unique_ptr<SimNetwork> network;
    std::unique_ptr<RegisterService> service;
    std::unique_ptr<log::OwnerCycle> cycle;
  };

  Surroundings around_;
  std::string name_;
  ProcessOptions process_;
  NetworkOptions network_;
  log::KafkaLogOptions log_;
  Mutant mutant_;
  SimDisk disk_;
  Link link_;
  std::vector<std::unique_ptr<Life>> former_;  // what is under way of them refers to them
  std::unique_ptr<Life> life_;
};

}  // namespace coffer::sim
