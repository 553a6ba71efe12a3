#include "tests/cluster_sim/sim_group.h"

namespace coffer::sim {

using log::Milliseconds;
using log::OwnershipGroup;

struct SimCoordinator::Member {
  Member(std::uint64_t number, SimNetwork& network_of)
      : id(number), network(network_of), arrived(network_of.process()) {}

  std::uint64_t id;
  SimNetwork& network;
  Signal arrived;
  std::deque<OwnershipGroup::Change> changes;
  Nanos last_heard = 0;
  Nanos last_arrival = 0;
  bool expired = false;   // out of the group without knowing it
  bool believes = false;  // was told that it should own
};

class SimCoordinator::Handle final : public OwnershipGroup {
 public:
  Handle(SimCoordinator& coordinator, std::shared_ptr<Member> member)
      : coordinator_(coordinator), member_(std::move(member)) {}
  // A process that leaves says so; one that dies does not.
  ~Handle() override {
    if (member_->network.process().alive()) coordinator_.forget(member_->id);
  }

  Result<std::optional<Change>> poll(Milliseconds timeout) override {
    auto& process = member_->network.process();
    process.point();
    if (member_->changes.empty() && timeout.count() > 0)
      process.wait(&member_->arrived, process.world().now() + timeout.count() * kMillisecond);
    if (member_->changes.empty()) return std::optional<Change>{};
    auto change = std::move(member_->changes.front());
    member_->changes.pop_front();
    return std::optional<Change>{std::move(change)};
  }

  void confirm_lost() override {
    if (coordinator_.leaving_ != member_->id) return;
    coordinator_.leaving_ = 0;
    if (coordinator_.owner_ == member_->id) coordinator_.owner_ = 0;
  }

 private:
  SimCoordinator& coordinator_;
  std::shared_ptr<Member> member_;
};

std::unique_ptr<OwnershipGroup> SimCoordinator::join(SimNetwork& network) {
  auto member = std::make_shared<Member>(next_id_++, network);
  member->last_heard = world_.now();
  members_[member->id] = member;
  return std::make_unique<Handle>(*this, std::move(member));
}

// Late, but in order: a member's heartbeats bring them one after the other.
void SimCoordinator::tell(Member& member, OwnershipGroup::Change change) {
  member.last_arrival = std::max(member.last_arrival, world_.now() + member.network.delay());
  world_.at(member.last_arrival, [shared = members_.at(member.id), change = std::move(change)] {
    shared->changes.push_back(change);
    shared->arrived.notify();
  });
}

void SimCoordinator::assign_to(Member& member) {
  world_.note("the group wants " + member.network.process().name());
  owner_ = member.id;
  member.believes = true;
  tell(member, {{0}, {}, false});
}

void SimCoordinator::take_from(Member& member, bool removed) {
  member.believes = false;
  tell(member, {{}, {0}, removed});
}

void SimCoordinator::forget(std::uint64_t id) {
  members_.erase(id);
  if (owner_ == id) owner_ = 0;
  if (leaving_ == id) leaving_ = 0;
}

void SimCoordinator::note_heartbeats() {
  std::vector<std::uint64_t> dead;
  for (auto& [id, member] : members_) {
    const auto& process = member->network.process();
    const auto& link = member->network.link();
    const bool heard =
        process.alive() && !process.stopped() && link.to_brokers && link.from_brokers;
    if (heard) {
      member->last_heard = world_.now();
      if (std::exchange(member->expired, false)) take_from(*member, true);
    } else if (world_.now() - member->last_heard > session_timeout_) {
      if (!process.alive()) dead.push_back(id);
      member->expired = true;
      if (owner_ == id) owner_ = 0;
      if (leaving_ == id) leaving_ = 0;
    }
  }
  for (const auto id : dead) forget(id);
}

SimCoordinator::Member* SimCoordinator::any_member() {
  std::vector<Member*> there;
  for (auto& [id, member] : members_)
    if (!member->expired) there.push_back(member.get());
  return there.empty() ? nullptr : there[world_.below(there.size())];
}

void SimCoordinator::turn() {
  note_heartbeats();
  if (leaving_ != 0) return;  // one thing at a time
  if (misbehaviour_permille_ == 0)
    for (auto& [id, member] : members_)
      if (member->believes && id != owner_ && !member->expired) take_from(*member, true);
  auto* next = any_member();
  if (next == nullptr) return;
  if (owner_ == 0) {
    // Two coordinators that do not know of each other: both members claim at once.
    if (auto* other = any_member();
        other != next && world_.chance(std::min(500u, 4 * misbehaviour_permille_)))
      assign_to(*other);
    return assign_to(*next);
  }
  if (next->id == owner_ || !world_.chance(misbehaviour_permille_)) return;
  auto& owner = *members_.at(owner_);
  switch (world_.below(4)) {
    case 0:  // in good order
    case 1:
      leaving_ = owner_;
      return take_from(owner, false);
    case 2:  // without asking
      take_from(owner, true);
      return assign_to(*next);
    default:  // without telling
      return assign_to(*next);
  }
}

}  // namespace coffer::sim
