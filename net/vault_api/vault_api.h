// The Vault HTTP API over RequestPort: one call of handle() is one request. Turns bytes into port
// calls and results into Vault's answers; decides nothing itself.
// Threads: handle() may be called from any thread at once; answers leave on the port's threads.
// Ownership: port and random must outlive the VaultApi and every request under way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "events/api/request_port.h"
#include "events/base/ports.h"
#include "events/base/time.h"
#include "net/http/http_server.h"
#include "net/vault_api/ha_status.h"

namespace coffer::net {

namespace vault {
struct ApiContext;
class RequestMetrics;
}  // namespace vault

// A request that was answered with 500.
struct RequestFailure {
  std::string_view request_id;
  std::string_view trace_id;  // empty: the client sent none
  std::string_view operation;
  std::string_view error;  // name of the ErrorCode
};

struct VaultApiOptions {
  std::string version = "1.18.0";  // clients parse it as the version of a Vault
  std::string build_date = "2026-01-01T00:00:00Z";
  std::string storage_type = "coffer";
  Seconds default_lease_ttl{2'764'800};  // 32 days
  Seconds max_lease_ttl{2'764'800};
  // Of one request.
  std::size_t strings_max = 1'000;  // strings and keys of a JSON body
  std::size_t json_nodes_max = 100'000;
  std::size_t json_depth_max = 64;
  std::size_t query_parameters_max = 1'000;
  std::size_t secret_bytes_max = 32 * 1024 * 1024;  // of one value as compact JSON
  std::size_t events_max = 1'000;                   // of one answer of sys/events
  // What this node knows of its cluster; empty: it is a single one. Called from any thread.
  std::function<HaStatus()> ha;
  // Of this node while it is the active one: to give that up and not to become it again for so long
  // (nothing: until `volunteer`). Empty: it is a single one. From any thread.
  std::function<void(std::optional<Seconds>)> stand_back;
  std::function<void()> volunteer;
  // Empty: nobody wants to know. From any thread; must not block.
  std::function<void(const RequestFailure&)> report_failure;
  // Counts every request; null: nobody asks.
  std::shared_ptr<vault::RequestMetrics> requests;
  // This process's metrics in Prometheus' text format; empty: there are none. From any thread.
  std::function<std::string()> metrics;
  bool unauthenticated_metrics = false;  // sys/metrics asks for no token
};

class VaultApi {
 public:
  VaultApi(api::RequestPort& port, Random& random, VaultApiOptions options);
  ~VaultApi();
  VaultApi(const VaultApi&) = delete;
  VaultApi& operator=(const VaultApi&) = delete;

  // Calls `respond` exactly once, now or later. Takes token and body out of `request`.
  void handle(std::shared_ptr<HttpRequest> request, Responder respond);

 private:
  std::shared_ptr<const vault::ApiContext> context_;
};

}  // namespace coffer::net
