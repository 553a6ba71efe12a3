// One deterministic run of a whole cluster: 3 to 5 nodes with the product's log, replicas and
// ownership on simulated brokers, clients that read and change a few registers, faults, and at the
// end peace, in which everything has to come right again. The oracle:
//   - the answers about each register can be put into one order that respects real time
//   - a change is acknowledged only when its record counts by the written rules
//   - every node ends with the state, the events and the keys that the log says, and whole chains
//   - destroyed keys are gone from their topic; one that was never used, of a node that lost its
//     claim meanwhile, may stay until the next claim
//   - with the faults over the cluster answers again
//   - with the HSM back, or the nodes unsealed anew, there is an owner soon
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/cluster_sim/sim_node.h"
#include "tests/cluster_sim/spec_replay.h"
#include "tests/sim/linearizer.h"

namespace coffer::sim {

struct ClusterOptions {
  std::uint64_t seed = 0;
  unsigned nodes = 3;
  unsigned clients = 3;
  unsigned registers = 4;
  unsigned requests = 150;
  unsigned read_percent = 40;
  unsigned unaudited_percent = 50;
  Nanos length = 20 * kSecond;  // of the part with faults
  Nanos think_max = 200 * kMillisecond;
  Nanos fault_pause_max = kSecond;  // between two faults
  unsigned crash_weight = 0;
  unsigned stop_weight = 0;
  unsigned partition_weight = 0;
  unsigned fail_over_weight = 0;
  unsigned hsm_weight = 0;             // no service begins for a while
  unsigned misbehaviour_permille = 0;  // of the group's coordinator
  std::int64_t drift_ppm_max = 0;
  unsigned loss_permille = 0;
  unsigned slow_permille = 0;
  unsigned slow_answer_permille = 0;
  unsigned stop_permille = 0;  // of the records, right behind their sending
  ProcessOptions process;
  log::Milliseconds lease{1'200};
  Mutant mutant = Mutant::none;

  static ClusterOptions draw(std::uint64_t seed);
  [[nodiscard]] std::string to_string() const;
};

class ClusterSimulation {
 public:
  explicit ClusterSimulation(const ClusterOptions& options);
  ~ClusterSimulation();

  // The violation, if any.
  std::optional<std::string> run();
  // Instead of run(), with no other fault: the HSM is away for this long, and nobody owns. Then it
  // comes back, or, `sealed`, it is back and the nodes cease to be candidates for a moment. The
  // violation, or in `without_owner` how long it took from then until a node owned.
  std::optional<std::string> run_outage(Nanos length, bool sealed, Nanos& without_owner);
  [[nodiscard]] std::uint64_t trace() const noexcept { return world_.trace(); }
  [[nodiscard]] std::string history() const { return world_.history(); }
  // What the run met, to show that it is worth something.
  struct Statistics {
    std::size_t answered = 0;
    std::size_t lost = 0;
    std::size_t claims = 0;
    std::size_t skipped_records = 0;
    std::size_t gave_up = 0;  // registers with too many possibilities to follow
  };
  [[nodiscard]] Statistics statistics() const;

 private:
  struct Call;

  void build();
  void violate(std::string what);
  // Faults.
  void next_fault();
  void fault();
  void crash(SimNode& node);
  void part(SimNode& node);
  void lose_hsm();
  void coordinate();
  void make_peace();
  SimNode& any_node() { return *nodes_[world_.below(nodes_.size())]; }
  // Clients.
  void think(unsigned client);
  void begin(unsigned client);
  void send(const std::shared_ptr<Call>& call, unsigned node);
  void learn(const std::shared_ptr<Call>& call, const Outcome& outcome);
  void lose(const std::shared_ptr<Call>& call);
  void crashed(const SimNode& node);
  void arrive(const std::shared_ptr<Call>& call);
  void on_event(std::uint64_t offset, const BrokerRecord& record);
  static Linearizer::Apply effect_of(const Request& request);
  // The end.
  bool run_until(Nanos until, const std::function<bool()>& done);
  bool is_caught_up();
  SimNode* owner() const;
  void read_everything();
  void compare_nodes();
  void check_blobs();

  ClusterOptions options_;
  ServiceConditions conditions_;
  World world_;
  SimBroker broker_;
  SimCoordinator coordinator_;
  SpecReplay spec_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::vector<Linearizer> registers_;
  std::vector<std::shared_ptr<Call>> calls_;
  std::map<std::uint64_t, Request> lost_;  // changes without an outcome that have not happened
  std::optional<std::string> violation_;
  std::uint64_t serial_ = 0;
  std::vector<unsigned> favourites_;  // of each client: the node that answered it last
  unsigned favourite_ = 0;            // the node that answered last
  bool peace_ = false;
  Statistics statistics_;
};

}  // namespace coffer::sim
