#include "net/vault_api/request_metrics.h"

#include <algorithm>
#include <array>
#include <functional>

namespace coffer::net::vault {
namespace {

using policy::Operation;

constexpr std::array kOperations = {Operation::read,  Operation::create, Operation::update,
                                    Operation::patch, Operation::remove, Operation::list,
                                    Operation::scan};
constexpr std::array<std::string_view, 5> kStatuses = {"1xx", "2xx", "3xx", "4xx", "5xx"};
constexpr std::array<std::string_view, 2> kTenants = {"root", "namespace"};
constexpr std::size_t kOutcomes = kStatuses.size() * kTenants.size();
constexpr std::uint16_t kOther = 0;

// A row in each operation that it has; POST and PUT are one until the gate knows better.
template <class Visit>
void for_each_endpoint(Visit&& visit) {
  for (const auto& table : route_tables())
    for (const auto& route : table.routes)
      for (const auto operation : kOperations) visit(table, route, operation);
}

std::size_t count_endpoints() {
  std::size_t count = 1;
  for_each_endpoint([&](const RouteTable&, const Route& route, Operation operation) {
    count += operation != Operation::create && route.handler(operation) != nullptr ? 1 : 0;
  });
  return count;
}

}  // namespace

RequestMetrics::RequestMetrics()
    : requests_(count_endpoints() * kOutcomes), latencies_(count_endpoints(), kLatencyBoundsNs) {
  name_endpoints();
}

void RequestMetrics::name_endpoints() {
  endpoints_.push_back({"other", "other"});
  std::size_t rows = 0;
  for (const auto& table : route_tables()) {
    tables_.push_back({table.routes.data(), table.routes.size(), rows * kOperations.size()});
    rows += table.routes.size();
  }
  for_each_endpoint([&](const RouteTable& table, const Route& route, Operation operation) {
    auto endpoint = kOther;
    if (operation == Operation::create) {
      operation = Operation::update;  // named in the next round
      if (route.handler(operation) != nullptr)
        endpoint = static_cast<std::uint16_t>(endpoints_.size());
    } else if (route.handler(operation) != nullptr) {
      endpoint = static_cast<std::uint16_t>(endpoints_.size());
      endpoints_.push_back({route_template(table, route), policy::to_string(operation)});
    }
    endpoint_of_row_.push_back(endpoint);
  });
}

std::size_t RequestMetrics::endpoint_of(const Route* route, Operation operation) const noexcept {
  if (route == nullptr) return kOther;
  const std::less<const Route*> before;
  for (const auto& table : tables_) {
    if (before(route, table.first) || !before(route, table.first + table.count)) continue;
    const auto row = static_cast<std::size_t>(route - table.first);
    return endpoint_of_row_[table.offset + row * kOperations.size() +
                            static_cast<std::size_t>(operation)];
  }
  return kOther;
}

void RequestMetrics::ended(const Route* route, Operation operation, int status, bool in_namespace,
                           std::int64_t ns) noexcept {
  const auto endpoint = endpoint_of(route, operation);
  const auto status_class = static_cast<std::size_t>(std::clamp(status / 100, 1, 5) - 1);
  requests_.add(endpoint * kOutcomes + status_class * kTenants.size() + (in_namespace ? 1 : 0));
  latencies_.observe(endpoint, static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0)));
  flow_.add(kEnded);
}

std::uint64_t RequestMetrics::in_flight() const noexcept {
  // The end first: a request between the two readings must not count as negative.
  const auto ended = flow_.value(kEnded);
  return flow_.value(kBegan) - ended;
}

std::vector<RequestMetrics::Series> RequestMetrics::series() const {
  std::vector<Series> all;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    const auto requests = requests_.value(i);
    if (requests == 0) continue;
    const auto& endpoint = endpoints_[i / kOutcomes];
    all.push_back({endpoint.route, endpoint.operation, kStatuses[i % kOutcomes / kTenants.size()],
                   kTenants[i % kTenants.size()], requests});
  }
  return all;
}

std::vector<RequestMetrics::Latency> RequestMetrics::latencies() const {
  std::vector<Latency> all;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    auto reading = latencies_.read(i);
    if (reading.count() != 0)
      all.push_back({endpoints_[i].route, endpoints_[i].operation, std::move(reading)});
  }
  return all;
}

}  // namespace coffer::net::vault
