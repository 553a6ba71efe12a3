// Counts every request of the API by endpoint, outcome and latency. An endpoint is a row of the
// route tables with one of its operations, so the number of series is bounded by the code: paths
// and names of namespaces or tokens never become part of one.
// Threads: any. One object serves a process for its life, whichever VaultApi answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/instruments.h"
#include "net/vault_api/routes.h"

namespace coffer::net::vault {

class RequestMetrics {
 public:
  RequestMetrics();

  void began() noexcept { flow_.add(kBegan); }
  // Exactly once for each began(). `route` null: no row has the path, or it was not understood.
  void ended(const Route* route, policy::Operation operation, int status, bool in_namespace,
             std::int64_t ns) noexcept;

  [[nodiscard]] std::uint64_t in_flight() const noexcept;

  struct Series {
    std::string_view route;      // "sys/mounts/{path}", "{mount}/data/{path}", "other"
    std::string_view operation;  // as in the access log; "other"
    std::string_view status;     // "2xx"
    std::string_view tenant;     // "root", "namespace"
    std::uint64_t requests = 0;
  };
  // Of those that were asked for at least once.
  [[nodiscard]] std::vector<Series> series() const;

  struct Latency {
    std::string_view route;
    std::string_view operation;
    HistogramArray::Reading ns;  // bounds: kLatencyBoundsNs
  };
  [[nodiscard]] std::vector<Latency> latencies() const;

 private:
  struct Endpoint {
    std::string route;
    std::string_view operation;
  };
  struct Rows {
    const Route* first;
    std::size_t count;
    std::size_t offset;  // of the first in endpoint_of_row_
  };
  enum Flow : std::size_t { kBegan, kEnded, kFlowCount };

  void name_endpoints();
  [[nodiscard]] std::size_t endpoint_of(const Route* route,
                                        policy::Operation operation) const noexcept;

  std::vector<Rows> tables_;
  std::vector<std::uint16_t> endpoint_of_row_;  // of a row, for each operation
  std::vector<Endpoint> endpoints_;
  CounterArray flow_{kFlowCount};
  CounterArray requests_;
  HistogramArray latencies_;
};

}  // namespace coffer::net::vault
