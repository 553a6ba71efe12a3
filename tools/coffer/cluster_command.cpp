#include "tools/coffer/cluster_command.h"

#include "tools/coffer/json_fields.h"
#include "tools/coffer/table.h"

namespace coffer::cli {
namespace {

struct Node {
  std::string hostname;
  std::string api_address;
  std::string cluster_address;
  bool active_node = false;
};

Result<std::vector<Node>> read_nodes(const json::Value& data) {
  const auto* list = data.find("nodes");
  if (list == nullptr || !list->is_array())
    return fail(ErrorCode::internal, "the server's answer has no list of nodes");
  std::vector<Node> nodes;
  JsonFields::Fault fault;
  for (const auto* item : list->items()) {
    JsonFields in(*item, fault);
    auto& node = nodes.emplace_back();
    in.read("hostname", node.hostname);
    in.read("api_address", node.api_address);
    in.read("cluster_address", node.cluster_address);
    in.read("active_node", node.active_node);
  }
  if (fault) return fail(ErrorCode::internal, "the server's list of nodes is broken: " + *fault);
  if (nodes.empty())
    return fail(ErrorCode::not_found, "the server is a single node (store.engine = rocksdb)");
  return nodes;
}

void show_table(const std::vector<Node>& nodes) {
  Table table({{"NODE"}, {"ROLE"}, {"API ADDRESS"}, {"CLUSTER ADDRESS"}});
  for (const auto& node : nodes)
    table.add({node.hostname, node.active_node ? "active" : "standby", node.api_address,
               node.cluster_address});
  print(table.text());
}

void show_json(const std::vector<Node>& nodes) {
  SecretBytes out;
  json::Writer w(out);
  w.begin_object().key("nodes").begin_array();
  for (const auto& node : nodes) {
    w.begin_object();
    w.key("hostname").string(node.hostname);
    w.key("api_address").string(node.api_address);
    w.key("cluster_address").string(node.cluster_address);
    w.key("active_node").boolean(node.active_node);
    w.end_object();
  }
  w.end_array().end_object();
  print_json(out);
}

}  // namespace

Result<Exit> show_cluster(ApiClient& client, bool json) {
  COFFER_ASSIGN(const auto answer, client.ask_root("sys/ha-status"));
  COFFER_ASSIGN(const auto nodes, read_nodes(*answer.data));
  if (json)
    show_json(nodes);
  else
    show_table(nodes);
  const bool active =
      std::any_of(nodes.begin(), nodes.end(), [](const Node& node) { return node.active_node; });
  return active ? Exit::ok : Exit::attention;
}

}  // namespace coffer::cli
