// Random commands against an oracle that only knows who is in which group: membership, inherited
// groups and freedom from cycles.
#include <rapidcheck.h>
#include <set>

#include "tests/events/identity_world.h"

namespace coffer::identity {
namespace {

// Reachability by Floyd and Warshall over group numbers: another algorithm than the walk.
struct Oracle {
  static constexpr int kGroups = 6;
  static constexpr int kEntities = 5;
  bool holds[kGroups][kGroups] = {};  // group holds group
  bool has[kGroups][kEntities] = {};  // group has entity

  void closure(bool (&reach)[kGroups][kGroups]) const {
    std::copy(&holds[0][0], &holds[0][0] + kGroups * kGroups, &reach[0][0]);
    for (int k = 0; k < kGroups; ++k)
      for (int i = 0; i < kGroups; ++i)
        for (int j = 0; j < kGroups; ++j) reach[i][j] |= reach[i][k] && reach[k][j];
  }
  bool is_cyclic() const {
    bool reach[kGroups][kGroups];
    closure(reach);
    for (int i = 0; i < kGroups; ++i)
      if (reach[i][i]) return true;
    return false;
  }
  std::set<int> groups_of(int entity) const {
    bool reach[kGroups][kGroups];
    closure(reach);
    std::set<int> out;
    for (int i = 0; i < kGroups; ++i) {
      bool in = has[i][entity];
      for (int j = 0; j < kGroups; ++j) in |= reach[i][j] && has[j][entity];
      if (in) out.insert(i);
    }
    return out;
  }
};

void run_history() {
  World w;
  Oracle oracle;
  std::vector<EntityId> entities;
  std::vector<GroupId> groups;
  for (int i = 0; i < Oracle::kEntities; ++i) entities.push_back(w.entity("e" + std::to_string(i)));
  for (int i = 0; i < Oracle::kGroups; ++i) groups.push_back(w.group("g" + std::to_string(i)));
  const auto steps = *rc::gen::inRange(1, 12);
  for (int step = 0; step < steps; ++step) {
    const auto at = *rc::gen::inRange(0, Oracle::kGroups);
    WriteGroup write;
    write.id = groups[static_cast<std::size_t>(at)];
    write.member_entities.emplace();
    write.member_groups.emplace();
    Oracle wanted = oracle;
    for (int i = 0; i < Oracle::kEntities; ++i)
      if ((wanted.has[at][i] = *rc::gen::inRange(0, 3) == 0))
        write.member_entities->push_back(entities[static_cast<std::size_t>(i)]);
    for (int i = 0; i < Oracle::kGroups; ++i)
      if ((wanted.holds[at][i] = *rc::gen::inRange(0, 4) == 0))
        write.member_groups->push_back(groups[static_cast<std::size_t>(i)]);
    RC_ASSERT(w.refusal(write).empty() == !wanted.is_cyclic());
    if (!wanted.is_cyclic()) oracle = wanted;
    for (int i = 0; i < Oracle::kEntities; ++i) {
      const auto direct = w.store.groups_of(entities[static_cast<std::size_t>(i)]);
      const auto all = with_groups_above(w.store, direct.value());
      std::set<GroupId> expected;
      for (const int g : oracle.groups_of(i)) expected.insert(groups[static_cast<std::size_t>(g)]);
      RC_ASSERT(std::set<GroupId>(all->begin(), all->end()) == expected);
    }
  }
}

TEST_CASE("membership and inherited groups are those of the oracle, cycles are refused") {
  CHECK(rc::check("histories of groups", run_history));
}

}  // namespace
}  // namespace coffer::identity
