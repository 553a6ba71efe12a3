// A cluster node's part of a page of metrics.
#include "events/log/kafka/kafka_troubles.h"
#include "tools/cofferd/cluster_node.h"

namespace coffer::server {
namespace {

double number(std::uint64_t value) noexcept {
  return static_cast<double>(value);
}

void add_state(MetricsPage& page, net::NodeState state) {
  for (const auto one : {net::NodeState::active, net::NodeState::standby, net::NodeState::drained,
                         net::NodeState::sealed})
    page.set("coffer_cluster_state", one == state ? 1 : 0, {{"state", net::to_text(one)}});
}

void add_kafka(MetricsPage& page) {
  const auto troubles = log::kafka_troubles();
  const auto kinds = {std::pair("connection", troubles.connections_lost),
                      std::pair("all_brokers_down", troubles.all_brokers_down),
                      std::pair("other", troubles.others)};
  for (const auto& [kind, count] : kinds)
    page.set("coffer_kafka_errors_total", number(count), {{"kind", kind}});
}

}  // namespace

void ClusterNode::add_metrics(MetricsPage& page) const {
  observation_.surroundings(page);
  add_http(page, "peer", peer_listener_->counters());
  add_routing(page, router_->counts());
  add_kafka(page);
  page.set("coffer_cluster_applied", number(applied_));
  page.set("coffer_cluster_takeovers_total", number(takeovers_));
  bool active = false;
  {
    const std::lock_guard lock(mutex_);
    active = owner_ == self_.id && active_since_.is_set();
    if (active) {
      page.set("coffer_cluster_epoch", number(epoch_));
    } else {
      page.set("coffer_cluster_lag_records", number(progress_.lag()));
      page.set("coffer_cluster_missing_keys", number(progress_.missing_keys));
    }
  }
  add_state(page, active ? net::NodeState::active : node_state());
  if (!active) return;
  const auto left = lease_ends_.load() - std::chrono::steady_clock::now();
  page.set("coffer_cluster_lease_seconds", std::chrono::duration<double>(left).count());
}

std::string ClusterNode::standby_metrics() const {
  MetricsPage page;
  add_metrics(page);
  const auto status = control_.status();
  add_seal_state(page, status.initialized, status.sealed, false);
  return page.text();
}

}  // namespace coffer::server
