#include "tools/cofferd/server_metrics.h"

namespace coffer::server {
namespace {

using actors::Count;

constexpr double kSecond = 1e9;  // in nanoseconds

double number(std::uint64_t value) noexcept {
  return static_cast<double>(value);
}

void add_requests(MetricsPage& page, const net::vault::RequestMetrics& requests) {
  for (const auto& one : requests.series())
    page.set("coffer_requests_total", number(one.requests),
             {{"route", one.route},
              {"operation", one.operation},
              {"status", one.status},
              {"tenant", one.tenant}});
  for (const auto& one : requests.latencies())
    page.set_histogram("coffer_request_duration_seconds", one.ns, kLatencyBoundsNs, kSecond,
                       {{"route", one.route}, {"operation", one.operation}});
  page.set("coffer_requests_in_flight", number(requests.in_flight()));
}

void add_log(MetricsPage& page, const actors::Instruments& log) {
  page.set_histogram("coffer_log_commit_duration_seconds", log.commit_ns.read(0),
                     log.commit_ns.bounds(), kSecond);
  page.set_histogram("coffer_log_commit_writers", log.commit_jobs.read(0), log.commit_jobs.bounds(),
                     1);
  const auto records = {std::pair("events", Count::commit_event_records),
                        std::pair("access", Count::commit_access_records)};
  for (const auto& [name, count] : records)
    page.set("coffer_log_records_total", number(log.value(count)), {{"log", name}});
  const auto counts = {
      std::pair("coffer_log_commit_failures_total", Count::commit_failures),
      std::pair("coffer_log_bytes_total", Count::commit_bytes),
      std::pair("coffer_access_log_trims_total", Count::access_trims),
      std::pair("coffer_access_log_trimmed_records_total", Count::access_records_trimmed),
      std::pair("coffer_access_log_collapsed_requests_total", Count::access_records_collapsed),
      std::pair("coffer_secret_actors_woken_total", Count::secret_actors_woken),
      std::pair("coffer_secret_actors_passivated_total", Count::secret_actors_passivated),
      std::pair("coffer_keys_rewrapped_total", Count::keys_rewrapped)};
  for (const auto& [name, count] : counts) page.set(name, number(log.value(count)));
}

void add_keys(MetricsPage& page, const hsm::KeyServiceMetrics& keys) {
  for (std::size_t i = 0; i < hsm::kKeyOperationNames.size(); ++i) {
    const auto name = hsm::kKeyOperationNames[i];
    page.set_histogram("coffer_hsm_operation_duration_seconds", keys.ns.read(i), keys.ns.bounds(),
                       kSecond, {{"operation", name}});
    page.set("coffer_hsm_operation_errors_total", number(keys.errors.value(i)),
             {{"operation", name}});
  }
}

}  // namespace

void add_instruments(MetricsPage& page, const Instruments& instruments) {
  page.set("coffer_build_info", 1, {{"version", COFFER_VERSION}});
  add_requests(page, *instruments.requests);
  add_log(page, *instruments.actors);
  add_keys(page, *instruments.keys);
}

void add_seal_state(MetricsPage& page, bool initialized, bool sealed, bool active) {
  page.set("coffer_initialized", initialized ? 1 : 0);
  page.set("coffer_unsealed", sealed ? 0 : 1);
  page.set("vault_core_unsealed", sealed ? 0 : 1);
  page.set("vault_core_active", active ? 1 : 0);
}

void add_runtime(MetricsPage& page, const actors::RuntimeReadings& readings) {
  add_seal_state(page, readings.initialized, readings.sealed, !readings.sealed);
  page.set("coffer_requests_admitted", number(readings.requests_admitted));
  page.set("coffer_namespaces", number(readings.namespaces));
  page.set("coffer_key_rotations", number(readings.rotations));
  page.set("coffer_actors", number(readings.tenant_actors), {{"kind", "tenant"}});
  page.set("coffer_actors", number(readings.secret_actors), {{"kind", "secret"}});
  page.set("coffer_log_end", number(readings.events_end), {{"log", "events"}});
  page.set("coffer_log_end", number(readings.access_end), {{"log", "access"}});
  if (readings.sizes) {
    page.set("coffer_store_bytes", number(readings.sizes->events_bytes), {{"part", "events"}});
    page.set("coffer_store_bytes", number(readings.sizes->access_bytes), {{"part", "access"}});
    page.set("coffer_store_bytes", number(readings.sizes->state_bytes), {{"part", "state"}});
  }
  for (const auto& cache : readings.caches) {
    page.set("coffer_cache_entries", number(cache.entries), {{"cache", cache.name}});
    page.set("coffer_cache_hits_total", number(cache.hits), {{"cache", cache.name}});
    page.set("coffer_cache_misses_total", number(cache.misses), {{"cache", cache.name}});
    page.set("coffer_cache_evictions_total", number(cache.evictions), {{"cache", cache.name}});
  }
  for (const auto& actor : readings.actors) {
    page.set("coffer_actor_mailbox", number(actor.mailbox), {{"actor", actor.kind}});
    page.set("coffer_actor_messages_total", number(actor.processed), {{"actor", actor.kind}});
    page.set("coffer_actor_busy_seconds_total", number(actor.busy_ns) / kSecond,
             {{"actor", actor.kind}});
  }
}

void add_http(MetricsPage& page, std::string_view listener, const net::HttpCounters& counters) {
  page.set("coffer_http_connections", number(counters.connections_open), {{"listener", listener}});
  page.set("coffer_http_connections_refused_total", number(counters.connections_refused),
           {{"listener", listener}});
  page.set("coffer_http_requests_total", number(counters.requests), {{"listener", listener}});
  page.set("coffer_http_requests_refused_total", number(counters.requests_refused),
           {{"listener", listener}});
  const auto full =
      counters.handshakes - std::min(counters.handshakes, counters.handshakes_resumed);
  const auto results = {std::pair("full", full), std::pair("resumed", counters.handshakes_resumed),
                        std::pair("failed", counters.handshake_failures)};
  for (const auto& [result, count] : results)
    page.set("coffer_tls_handshakes_total", number(count),
             {{"listener", listener}, {"result", result}});
}

void add_routing(MetricsPage& page, const net::RequestRouter::Counts& counts) {
  const auto outcomes = {std::pair("served", counts.served), std::pair("answered", counts.answered),
                         std::pair("forwarded", counts.forwarded),
                         std::pair("failed", counts.forward_failures),
                         std::pair("gave_up", counts.gave_up)};
  for (const auto& [outcome, count] : outcomes)
    page.set("coffer_cluster_requests_total", number(count), {{"outcome", outcome}});
  page.set("coffer_cluster_requests_waited_total", number(counts.waited));
  page.set("coffer_cluster_requests_waiting", number(counts.waiting));
}

}  // namespace coffer::server
