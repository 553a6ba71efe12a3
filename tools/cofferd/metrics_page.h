// One page of metrics: families by name, checked against the one table of all metrics that there
// are, rendered in Prometheus' text format (exposition format 0.0.4) by prometheus-cpp. That
// library's own counters and histograms are not used: its histogram locks for each observation.
// Threads: a page belongs to one.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/base/instruments.h"

namespace coffer::server {

struct MetricInfo {
  std::string_view name;
  prometheus::MetricType type;
  std::string_view labels;  // names, separated by commas
  std::string_view help;
};
// Everything that a page may hold. Sorted as pages show it.
[[nodiscard]] std::span<const MetricInfo> metric_table() noexcept;
// The table as Markdown: docs/metrics.md.
[[nodiscard]] std::string describe_metrics();

class MetricsPage {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Every metric of the table, without values yet.
  MetricsPage();

  // The metric must be in the table, with these labels: a mistake ends the process.
  void set(std::string_view name, double value, Labels labels = {});
  // `unit`: how many of the reading's units are one of the metric's.
  void set_histogram(std::string_view name, const HistogramArray::Reading& reading,
                     std::span<const std::uint64_t> bounds, double unit, Labels labels = {});

  // Metrics without a value here are left out.
  [[nodiscard]] std::string text() const;

 private:
  prometheus::ClientMetric& add(std::string_view name, Labels labels);

  std::vector<prometheus::MetricFamily> families_;  // as in the table
};

}  // namespace coffer::server
