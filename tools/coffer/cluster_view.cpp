#include "tools/coffer/cluster_view.h"

#include "tools/coffer/json_fields.h"

namespace coffer::cli {
namespace {

const json::Value* value_of(const json::Value& object, std::string_view name) {
  const auto* value = object.find(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void read_progress(const json::Value& item, JsonFields& in, ClusterNode& node) {
  in.read("state", node.state);
  if (value_of(item, "last_echo") != nullptr) in.read("last_echo", node.last_echo);
  if (value_of(item, "applied") != nullptr) in.read("applied", node.applied.emplace());
  if (value_of(item, "replication_lag") != nullptr) in.read("replication_lag", node.lag.emplace());
}

Result<std::span<const json::Value* const>> list_of(const json::Value& object, const char* name) {
  const auto* list = object.find(name);
  if (list == nullptr || !list->is_array())
    return fail(ErrorCode::internal, fmt::format("the server's answer has no list of {}", name));
  return list->items();
}

Error broken(const std::string& fault) {
  return fail(ErrorCode::internal, "the server's view of the cluster is broken: " + fault);
}

}  // namespace

Result<std::vector<ClusterNode>> read_cluster_nodes(ApiClient& client) {
  COFFER_ASSIGN(const auto answer, client.ask_root("sys/ha-status"));
  COFFER_ASSIGN(const auto items, list_of(*answer.data, "nodes"));
  std::vector<ClusterNode> nodes;
  JsonFields::Fault fault;
  for (const auto* item : items) {
    JsonFields in(*item, fault);
    auto& node = nodes.emplace_back();
    in.read("hostname", node.name);
    in.read("api_address", node.api_address);
    in.read("cluster_address", node.cluster_address);
    in.read("active_node", node.active);
    read_progress(*item, in, node);
  }
  if (fault) return broken(*fault);
  if (nodes.empty())
    return fail(ErrorCode::not_found, "the server is a single node (store.engine = rocksdb)");
  return nodes;
}

Result<std::vector<ClusterPartition>> read_cluster_partitions(ApiClient& client) {
  COFFER_ASSIGN(const auto answer, client.ask_root("sys/cluster/partitions"));
  COFFER_ASSIGN(const auto items, list_of(*answer.data, "partitions"));
  std::vector<ClusterPartition> partitions;
  JsonFields::Fault fault;
  for (const auto* item : items) {
    JsonFields in(*item, fault);
    auto& partition = partitions.emplace_back();
    in.read("partition", partition.number);
    in.read("owner", partition.owner);
    in.read("epoch", partition.epoch);
    in.read("events_end", partition.events_end);
    COFFER_ASSIGN(const auto nodes, list_of(*item, "nodes"));
    for (const auto* of_node : nodes) {
      JsonFields fields(*of_node, fault);
      auto& node = partition.nodes.emplace_back();
      fields.read("node", node.name);
      read_progress(*of_node, fields, node);
    }
  }
  if (fault) return broken(*fault);
  return partitions;
}

}  // namespace coffer::cli
