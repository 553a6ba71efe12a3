#include "tools/coffer/cluster_command.h"

#include <algorithm>

#include "tools/coffer/cluster_view.h"
#include "tools/coffer/table.h"

namespace coffer::cli {
namespace {

std::string number_or_dash(const std::optional<std::uint64_t>& number) {
  return number ? std::to_string(*number) : "-";
}

std::string text_or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

void write_progress(json::Writer& w, const ClusterNode& node) {
  const auto number = [&](const char* name, const std::optional<std::uint64_t>& value) {
    w.key(name);
    if (value)
      w.unsigned_integer(*value);
    else
      w.null();
  };
  w.key("state").string(node.state);
  w.key("last_echo");
  if (node.last_echo.empty())
    w.null();
  else
    w.string(node.last_echo);
  number("applied", node.applied);
  number("replication_lag", node.lag);
}

void show_nodes_json(const std::vector<ClusterNode>& nodes) {
  SecretBytes out;
  json::Writer w(out);
  w.begin_object().key("nodes").begin_array();
  for (const auto& node : nodes) {
    w.begin_object();
    w.key("hostname").string(node.name);
    w.key("api_address").string(node.api_address);
    w.key("cluster_address").string(node.cluster_address);
    w.key("active_node").boolean(node.active);
    write_progress(w, node);
    w.end_object();
  }
  w.end_array().end_object();
  print_json(out);
}

void show_partitions_json(const std::vector<ClusterPartition>& partitions) {
  SecretBytes out;
  json::Writer w(out);
  w.begin_object().key("partitions").begin_array();
  for (const auto& partition : partitions) {
    w.begin_object();
    w.key("partition").unsigned_integer(partition.number);
    w.key("owner").string(partition.owner);
    w.key("epoch").unsigned_integer(partition.epoch);
    w.key("events_end").unsigned_integer(partition.events_end);
    w.key("nodes").begin_array();
    for (const auto& node : partition.nodes) {
      w.begin_object();
      w.key("node").string(node.name);
      write_progress(w, node);
      w.end_object();
    }
    w.end_array().end_object();
  }
  w.end_array().end_object();
  print_json(out);
}

}  // namespace

Result<Exit> show_cluster(ApiClient& client, bool json) {
  COFFER_ASSIGN(const auto nodes, read_cluster_nodes(client));
  if (json) {
    show_nodes_json(nodes);
  } else {
    Table table({{"NODE"}, {"STATE"}, {"LAG"}, {"HEARD OF"}, {"API ADDRESS"}, {"CLUSTER ADDRESS"}});
    for (const auto& node : nodes)
      table.add({node.name, node.state, number_or_dash(node.lag), text_or_dash(node.last_echo),
                 node.api_address, node.cluster_address});
    print(table.text());
  }
  const bool active =
      std::any_of(nodes.begin(), nodes.end(), [](const ClusterNode& node) { return node.active; });
  return active ? Exit::ok : Exit::attention;
}

Result<Exit> show_partitions(ApiClient& client, bool json) {
  COFFER_ASSIGN(const auto partitions, read_cluster_partitions(client));
  if (json) {
    show_partitions_json(partitions);
  } else {
    Table table(
        {{"PARTITION"}, {"OWNER"}, {"EPOCH"}, {"END"}, {"NODE"}, {"STATE"}, {"APPLIED"}, {"LAG"}});
    for (const auto& partition : partitions)
      for (const auto& node : partition.nodes)
        table.add({std::to_string(partition.number), text_or_dash(partition.owner),
                   std::to_string(partition.epoch), std::to_string(partition.events_end), node.name,
                   node.state, number_or_dash(node.applied), number_or_dash(node.lag)});
    print(table.text());
  }
  const bool owned = std::none_of(partitions.begin(), partitions.end(),
                                  [](const auto& partition) { return partition.owner.empty(); });
  return owned ? Exit::ok : Exit::attention;
}

}  // namespace coffer::cli
