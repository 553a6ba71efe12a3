// The coordinator of the owners' group, which proposes well or badly: it moves the partition in
// good order, takes it away without asking, forgets to tell the former owner, and is late.
#pragma once

#include <deque>
#include <map>

#include "events/log/kafka/ownership_group.h"
#include "tests/cluster_sim/sim_network.h"

namespace coffer::sim {

class SimCoordinator {
 public:
  explicit SimCoordinator(World& world) : world_(world) {}

  std::unique_ptr<log::OwnershipGroup> join(SimNetwork& network);
  // What to do next, at a moment that the simulation chooses.
  void turn();
  // Members that are not heard of for this long are out.
  void set_session_timeout(Nanos timeout) { session_timeout_ = timeout; }
  void set_misbehaviour(unsigned permille) { misbehaviour_permille_ = permille; }

 private:
  struct Member;
  class Handle;

  void assign_to(Member& member);
  void take_from(Member& member, bool removed);
  void tell(Member& member, log::OwnershipGroup::Change change);
  void forget(std::uint64_t id);
  void note_heartbeats();
  Member* any_member();

  World& world_;
  Nanos session_timeout_ = 2 * kSecond;
  unsigned misbehaviour_permille_ = 0;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::shared_ptr<Member>> members_;
  std::uint64_t owner_ = 0;    // a member's id
  std::uint64_t leaving_ = 0;  // was asked to give the partition back
};

}  // namespace coffer::sim
