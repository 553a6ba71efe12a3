#include "tools/coffer/actor_list.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "tools/coffer/json_fields.h"

namespace coffer::cli {
namespace {

// Deeper ones are drawn at this depth: a line stays readable.
constexpr std::size_t kDepthMax = 24;

const Actor* find_actor(const std::vector<Actor>& actors, std::uint64_t id) {
  const auto found = std::lower_bound(actors.begin(), actors.end(), id,
                                      [](const Actor& a, std::uint64_t i) { return a.id < i; });
  return found != actors.end() && found->id == id ? &*found : nullptr;
}

// Depth first without recursion: the server chooses the depth.
class TreeBuilder {
 public:
  explicit TreeBuilder(const std::vector<Actor>& actors) : actors_(actors) {
    for (const auto& actor : actors)
      if (actor.parent != actor.id && find_actor(actors, actor.parent) != nullptr)
        children_[actor.parent].push_back(&actor);
  }

  std::vector<TreeNode> build() {
    for (const auto& actor : actors_)
      if (find_actor(actors_, actor.parent) == nullptr || actor.parent == actor.id) add_root(actor);
    // What is left hangs on a circle of parents.
    for (const auto& actor : actors_) add_root(actor);
    return std::move(nodes_);
  }

 private:
  struct Pending {
    const Actor* actor;
    std::size_t depth;
    std::string above;  // drawn before the node's own branch
    bool last;
  };

  void add_root(const Actor& actor) {
    std::vector<Pending> pending{{&actor, 0, {}, true}};
    while (!pending.empty()) {
      const auto next = std::move(pending.back());
      pending.pop_back();
      if (std::exchange(seen_[next.actor->id], true)) continue;
      std::string branch = next.above;
      if (next.depth > 0) branch += next.last ? "└─ " : "├─ ";
      nodes_.push_back({next.actor, next.depth, std::move(branch)});
      push_children(pending, next);
    }
  }

  void push_children(std::vector<Pending>& pending, const Pending& parent) {
    const auto found = children_.find(parent.actor->id);
    if (found == children_.end()) return;
    const bool deeper = parent.depth < kDepthMax;
    auto above = parent.above;
    if (parent.depth > 0 && deeper) above += parent.last ? "   " : "│  ";
    const auto& children = found->second;
    for (auto i = children.size(); i-- > 0;)
      pending.push_back({children[i], parent.depth + 1, above, i + 1 == children.size()});
  }

  const std::vector<Actor>& actors_;
  std::map<std::uint64_t, std::vector<const Actor*>> children_;
  std::map<std::uint64_t, bool> seen_;
  std::vector<TreeNode> nodes_;
};

std::uint64_t growth(std::uint64_t before, std::uint64_t after) {
  return after >= before ? after - before : after;
}

}  // namespace

Result<std::vector<Actor>> parse_actors(const json::Value& data) {
  const auto* list = data.find("actors");
  if (list == nullptr || !list->is_array())
    return fail(ErrorCode::corrupt, "the server's answer has no list of actors");
  std::vector<Actor> actors;
  JsonFields::Fault fault;
  for (const auto* item : list->items()) {
    auto& actor = actors.emplace_back();
    JsonFields in(*item, fault);
    in.read("id", actor.id);
    in.read("parent", actor.parent);
    in.read("kind", actor.kind);
    in.read("tenant", actor.tenant);
    in.read("name", actor.name);
    in.read("mailbox", actor.mailbox);
    in.read("processed", actor.processed);
    in.read("busy_ns", actor.busy_ns);
    in.read("state", actor.state);
    in.read("last_error", actor.last_error);
  }
  if (fault) return fail(ErrorCode::corrupt, "the server's list of actors is broken: " + *fault);
  std::sort(actors.begin(), actors.end(),
            [](const Actor& a, const Actor& b) { return a.id < b.id; });
  return actors;
}

std::vector<TreeNode> actor_tree(const std::vector<Actor>& actors) {
  return TreeBuilder(actors).build();
}

std::vector<ActorRate> actor_rates(const std::vector<Actor>& before,
                                   const std::vector<Actor>& after) {
  std::vector<ActorRate> rates;
  for (const auto& actor : after) {
    const auto* then = find_actor(before, actor.id);
    rates.push_back({&actor, growth(then == nullptr ? 0 : then->busy_ns, actor.busy_ns),
                     growth(then == nullptr ? 0 : then->processed, actor.processed)});
  }
  std::stable_sort(rates.begin(), rates.end(), [](const ActorRate& a, const ActorRate& b) {
    return std::tie(a.busy_ns, a.messages) > std::tie(b.busy_ns, b.messages);
  });
  return rates;
}

}  // namespace coffer::cli
