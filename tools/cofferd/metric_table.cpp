// All metrics. docs/metrics.md is printed from here, and tests/metrics compares.
#include "tools/cofferd/metrics_page.h"

namespace coffer::server {
namespace {

constexpr auto counter = prometheus::MetricType::Counter;
constexpr auto gauge = prometheus::MetricType::Gauge;
constexpr auto histogram = prometheus::MetricType::Histogram;

constexpr MetricInfo kMetrics[] = {
    {"coffer_build_info", gauge, "version", "1; the version of the server"},
    {"coffer_initialized", gauge, "", "1 when there is a vault"},
    {"coffer_unsealed", gauge, "", "1 when this node has the keys"},
    {"vault_core_unsealed", gauge, "", "The same under Vault's name"},
    {"vault_core_active", gauge, "", "1 when this node answers for the vault, under Vault's name"},

    {"coffer_requests_total", counter, "route,operation,status,tenant",
     "Requests that this process answered as the active node, by row of its route table, class of "
     "the status, and `root` or `namespace`"},
    {"coffer_request_duration_seconds", histogram, "route,operation",
     "From the complete request to its answer, the access record included"},
    {"coffer_requests_in_flight", gauge, "", "Requests that are not answered yet"},
    {"coffer_requests_admitted", gauge, "",
     "Of those that passed the gate, against "
     "`limits.requests_max`"},

    {"coffer_http_connections", gauge, "listener", "Open connections: `api`, or `peer` for nodes"},
    {"coffer_http_connections_refused_total", counter, "listener",
     "Closed at once: beyond a bound of connections"},
    {"coffer_http_requests_total", counter, "listener", "Complete requests, forwarded ones too"},
    {"coffer_http_requests_refused_total", counter, "listener",
     "Malformed or too large: refused before anything looked at their meaning"},
    {"coffer_tls_handshakes_total", counter, "listener,result",
     "`full`, `resumed` or `failed`; also those that took too long"},

    {"coffer_log_commit_duration_seconds", histogram, "",
     "One append of the log until it is durable"},
    {"coffer_log_commit_writers", histogram, "", "Writers that shared an append"},
    {"coffer_log_commit_failures_total", counter, "", "Appends that failed"},
    {"coffer_log_records_total", counter, "log", "Durable records: `events` or `access`"},
    {"coffer_log_bytes_total", counter, "", "Bytes of records and rows handed to the log"},
    {"coffer_log_end", gauge, "log", "Position of the last record: `events` or `access`"},
    {"coffer_store_bytes", gauge, "part",
     "Table files of the store, on a single node: `events`, `access`, or `state` for all else"},
    {"coffer_access_log_trims_total", counter, "", "Runs of the retention that dropped something"},
    {"coffer_access_log_trimmed_records_total", counter, "", "Records that they dropped"},
    {"coffer_access_log_collapsed_requests_total", counter, "",
     "Refused requests that were counted in the access log instead of recorded singly"},

    {"coffer_hsm_operation_duration_seconds", histogram, "operation", "Calls into the HSM module"},
    {"coffer_hsm_operation_errors_total", counter, "operation", "Calls that failed"},
    {"coffer_cache_entries", gauge, "cache", "Entries: `data_keys`, `secrets`, `tokens`"},
    {"coffer_cache_hits_total", counter, "cache", "Found in memory"},
    {"coffer_cache_misses_total", counter, "cache", "Not found in memory"},
    {"coffer_cache_evictions_total", counter, "cache", "Made room for others"},
    {"coffer_keys_rewrapped_total", counter, "", "Data keys re-wrapped by rotations"},
    {"coffer_key_rotations", gauge, "", "Namespaces whose key is being rotated"},

    {"coffer_namespaces", gauge, "", "Namespaces, the root included"},
    {"coffer_actors", gauge, "kind", "Living actors: `tenant`, `secret`"},
    {"coffer_secret_actors_woken_total", counter, "", "Secret actors that began"},
    {"coffer_secret_actors_passivated_total", counter, "", "Secret actors that were told to end"},
    {"coffer_actor_mailbox", gauge, "actor", "Messages waiting for an actor that there is one of"},
    {"coffer_actor_messages_total", counter, "actor", "Messages that it has handled"},
    {"coffer_actor_busy_seconds_total", counter, "actor", "Time that it took to handle them"},

    {"coffer_cluster_state", gauge, "state",
     "1 for the state of this node: `active`, `standby`, `drained` or `sealed`"},
    {"coffer_cluster_epoch", gauge, "", "Of the claim of this node; only while it is active"},
    {"coffer_cluster_lease_seconds", gauge, "",
     "What is left of the lease, below zero when it has run out; only while active"},
    {"coffer_cluster_applied", gauge, "", "Position in the log up to which this node has applied"},
    {"coffer_cluster_lag_records", gauge, "", "What a follower has not read yet"},
    {"coffer_cluster_missing_keys", gauge, "", "Wrapped keys that a follower waits for"},
    {"coffer_cluster_takeovers_total", counter, "", "Times that this node became the active one"},
    {"coffer_cluster_requests_total", counter, "outcome",
     "`served` here, `answered` as a standby, `forwarded`, `failed` on the way, or `gave_up` for "
     "want of an active node"},
    {"coffer_cluster_requests_waited_total", counter, "", "Times a request waited for an owner"},
    {"coffer_cluster_requests_waiting", gauge, "", "Requests that wait for one now"},
    {"coffer_kafka_errors_total", counter, "kind",
     "Reported by the Kafka library: `connection` (lost or not made), `all_brokers_down`, `other`"},

    {"process_cpu_seconds_total", counter, "", "User and system time"},
    {"process_resident_memory_bytes", gauge, "", "Resident memory"},
    {"process_virtual_memory_bytes", gauge, "", "Virtual memory"},
    {"process_open_fds", gauge, "", "Open file descriptors"},
    {"process_max_fds", gauge, "", "Bound of open file descriptors"},
    {"process_threads", gauge, "", "Threads"},
    {"process_start_time_seconds", gauge, "", "Start, in seconds since 1970"},
};

}  // namespace

std::span<const MetricInfo> metric_table() noexcept {
  return kMetrics;
}

}  // namespace coffer::server
