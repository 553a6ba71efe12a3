// sys/ha-status and sys/cluster/*: the nodes of the cluster, and which of them is the active one.
#include <algorithm>

#include "net/vault_api/handlers.h"
#include "net/vault_api/node_answers.h"

namespace coffer::net::vault {
namespace {

// As Vault's step-down: long enough for another node to be asked first.
constexpr Seconds kStepDownPause{10};
constexpr Seconds kDrainMax{30 * 24 * 3600};

void write_time(json::Writer& writer, const std::optional<Timestamp>& time) {
  if (time)
    writer.string(to_rfc3339(*time));
  else
    writer.null();
}

// How a node stands: as far as the active one has heard.
void write_progress(json::Writer& writer, const HaStatus& ha, const HaNode& node) {
  writer.key("state").string(to_text(node.state));
  writer.key("last_echo");
  write_time(writer, node.last_echo);
  writer.key("applied");
  if (node.applied)
    writer.unsigned_integer(*node.applied);
  else
    writer.null();
  // What the node has applied since it was heard of may be more than the end we know.
  writer.key("replication_lag");
  if (node.applied)
    writer.unsigned_integer(ha.events_end - std::min(ha.events_end, *node.applied));
  else
    writer.null();
}

void write_nodes(json::Writer& writer, const HaStatus& ha) {
  writer.begin_object();
  writer.key("nodes").begin_array();
  for (const auto& node : ha.nodes) {
    writer.begin_object();
    writer.key("hostname").string(node.id);
    writer.key("api_address").string(node.api_address);
    writer.key("cluster_address").string(node.cluster_address);
    writer.key("active_node").boolean(node.active);
    write_progress(writer, ha, node);
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
}

void write_partitions(json::Writer& writer, const HaStatus& ha) {
  writer.begin_object();
  writer.key("partitions").begin_array().begin_object();
  writer.key("partition").unsigned_integer(0);  // all tenants share one
  const auto owner = std::find_if(ha.nodes.begin(), ha.nodes.end(),
                                  [](const HaNode& node) { return node.active; });
  writer.key("owner").string(owner == ha.nodes.end() ? "" : owner->id);
  writer.key("epoch").unsigned_integer(ha.epoch);
  writer.key("events_end").unsigned_integer(ha.events_end);
  writer.key("nodes").begin_array();
  for (const auto& node : ha.nodes) {
    writer.begin_object();
    writer.key("node").string(node.id);
    write_progress(writer, ha, node);
    writer.end_object();
  }
  writer.end_array().end_object().end_array();
  writer.end_object();
}

void refuse_single_node(Exchange& x) {
  x.refuse(ErrorCode::invalid_argument, "this vault is a single node, not a cluster");
}

}  // namespace

Result<std::optional<Seconds>> read_drain(const Fields& fields) {
  COFFER_ASSIGN(const auto length, fields.duration("ttl"));
  if (!length || length->count == 0) return std::optional<Seconds>();
  if (*length > kDrainMax) return fail(ErrorCode::invalid_argument, "ttl is more than 30 days");
  return length;
}

void sys_ha_status(Exchange& x, std::string_view) {
  const auto ha = x.options().ha ? x.options().ha() : HaStatus{};
  x.answer_injected([&](json::Writer& writer) { write_nodes(writer, ha); });
}

// A single node has nobody to step down for; Vault says 204 then, too.
void sys_step_down(Exchange& x, std::string_view) {
  if (x.options().stand_back) x.options().stand_back(kStepDownPause);
  x.answer(no_content());
}

void sys_cluster_drain(Exchange& x, std::string_view) {
  COFFER_FIELD(const auto length, x, read_drain(x.fields()));
  if (!x.options().stand_back) return refuse_single_node(x);
  if (!x.for_another_node()) x.options().stand_back(length);
  x.answer(no_content());
}

void sys_cluster_undrain(Exchange& x, std::string_view) {
  if (!x.options().volunteer) return refuse_single_node(x);
  if (!x.for_another_node()) x.options().volunteer();
  x.answer(no_content());
}

void sys_cluster_partitions(Exchange& x, std::string_view) {
  if (!x.options().ha) return refuse_single_node(x);
  const auto ha = x.options().ha();
  x.answer_injected([&](json::Writer& writer) { write_partitions(writer, ha); });
}

}  // namespace coffer::net::vault

namespace coffer::net {

std::string_view to_text(NodeState state) noexcept {
  switch (state) {
    case NodeState::unknown:
      return "unknown";
    case NodeState::active:
      return "active";
    case NodeState::standby:
      return "standby";
    case NodeState::drained:
      return "drained";
    case NodeState::sealed:
      return "sealed";
  }
  return "unknown";
}

}  // namespace coffer::net
