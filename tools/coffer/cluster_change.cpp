// `coffer cluster drain`, `undrain` and `move`.
#include <algorithm>
#include <chrono>
#include <thread>

#include "tools/coffer/cluster_command.h"
#include "tools/coffer/cluster_view.h"

namespace coffer::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kMoveMax{30};
// Nodes tell a new active one how they stand within a second or so.
constexpr std::chrono::seconds kEchoMax{3};
constexpr std::chrono::milliseconds kLookInterval{100};

Result<const ClusterNode*> find_node(const std::vector<ClusterNode>& nodes,
                                     const std::string& name) {
  const auto found = std::find_if(nodes.begin(), nodes.end(),
                                  [&](const ClusterNode& node) { return node.name == name; });
  if (found == nodes.end())
    return fail(ErrorCode::not_found,
                fmt::format("there is no node `{}`: see coffer cluster status", printable(name)));
  return &*found;
}

Result<void> change_at(ApiClient& client, const ClusterNode& node, const std::string& path,
                       const std::string& body) {
  const auto& here = client.connection();
  COFFER_ASSIGN(auto address, check_address(node.api_address));
  const Connection there{.address = std::move(address),
                         .ca_file = here.ca_file,
                         .name_space = {},
                         .timeout_s = here.timeout_s,
                         .verify_server = here.verify_server,
                         .token = here.token.clone()};
  return ApiClient(there).change_root(path, body);
}

Result<Exit> change_one(ApiClient& client, const std::string& name, const std::string& path) {
  if (name.empty()) {
    COFFER_TRY(client.change_root(path, "{}"));
    return Exit::ok;
  }
  COFFER_ASSIGN(const auto nodes, read_cluster_nodes(client));
  COFFER_ASSIGN(const auto* node, find_node(nodes, name));
  COFFER_TRY(change_at(client, *node, path, "{}"));
  return Exit::ok;
}

// Nodes that must not be the active one while the partition moves. They are candidates again when
// this ends, and after a minute if it does not.
class StandingBack {
 public:
  explicit StandingBack(ApiClient& client) : client_(client) {}
  ~StandingBack() {
    for (const auto* node : nodes_)
      if (const auto done = change_at(client_, *node, "sys/cluster/undrain", "{}"); !done)
        say_warning(fmt::format("{} stands back for up to a minute: {}", printable(node->name),
                                done.error().message));
  }
  StandingBack(const StandingBack&) = delete;
  StandingBack& operator=(const StandingBack&) = delete;

  Result<void> add(const ClusterNode& node) {
    COFFER_TRY(change_at(client_, node, "sys/cluster/drain", R"({"ttl":"60s"})"));
    nodes_.push_back(&node);
    return {};
  }

 private:
  ApiClient& client_;
  std::vector<const ClusterNode*> nodes_;
};

// The nodes as soon as this one may take over and nobody is drained, and after a while as they are:
// what the active node has heard may be a moment old. One that is a candidate again and is still
// taken for drained would not be told to stand back, and take over itself.
Result<std::vector<ClusterNode>> await_ready(ApiClient& client, const std::string& name) {
  const auto until = steady_clock::now() + kEchoMax;
  while (true) {
    COFFER_ASSIGN(auto nodes, read_cluster_nodes(client));
    COFFER_ASSIGN(const auto* node, find_node(nodes, name));
    const bool ready = node->active || node->state == "standby";
    const bool drained = std::any_of(nodes.begin(), nodes.end(),
                                     [](const auto& other) { return other.state == "drained"; });
    if ((ready && !drained) || steady_clock::now() > until) return nodes;
    std::this_thread::sleep_for(kLookInterval);
  }
}

Result<void> await_owner(ApiClient& client, const std::string& name) {
  const auto until = steady_clock::now() + kMoveMax;
  while (steady_clock::now() < until) {
    const auto nodes = read_cluster_nodes(client);
    if (nodes && std::any_of(nodes->begin(), nodes->end(), [&](const ClusterNode& node) {
          return node.active && node.name == name;
        }))
      return {};
    std::this_thread::sleep_for(kLookInterval);
  }
  return fail(ErrorCode::unavailable,
              fmt::format("{} has not taken over within {} s", printable(name), kMoveMax.count()));
}

}  // namespace

Result<Exit> drain_node(ApiClient& client, const std::string& node) {
  return change_one(client, node, "sys/cluster/drain");
}

Result<Exit> undrain_node(ApiClient& client, const std::string& node) {
  return change_one(client, node, "sys/cluster/undrain");
}

Result<Exit> move_partition(ApiClient& client, std::uint64_t partition, const std::string& name) {
  if (partition != 0)
    return fail(ErrorCode::not_found, "a cluster has one partition, number 0, for all namespaces");
  COFFER_ASSIGN(const auto nodes, await_ready(client, name));
  COFFER_ASSIGN(const auto* target, find_node(nodes, name));
  if (target->active) return Exit::ok;
  if (target->state != "standby")
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} cannot take over, its state is {}", printable(name),
                            printable(target->state)));
  StandingBack others(client);
  const ClusterNode* owner = nullptr;
  for (const auto& node : nodes) {
    if (node.active) owner = &node;
    if (&node == target || node.active || node.state == "sealed" || node.state == "drained")
      continue;
    const auto told = others.add(node);
    // One that nobody has heard of is most likely down.
    if (!told && node.state != "unknown") return told.error();
    if (!told) say_warning(told.error().message);
  }
  if (owner == nullptr) return fail(ErrorCode::unavailable, "no node is active");
  COFFER_TRY(others.add(*owner));
  COFFER_TRY(await_owner(client, name));
  return Exit::ok;
}

}  // namespace coffer::cli
