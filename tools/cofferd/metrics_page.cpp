#include "tools/cofferd/metrics_page.h"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>

#include "events/base/check.h"

namespace coffer::server {

MetricsPage::MetricsPage() {
  families_.reserve(metric_table().size());
  for (const auto& info : metric_table())
    families_.push_back({std::string(info.name), std::string(info.help), info.type, {}});
}

prometheus::ClientMetric& MetricsPage::add(std::string_view name, Labels labels) {
  const auto table = metric_table();
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const MetricInfo& info) { return info.name == name; });
  COFFER_CHECK(found != table.end());
  std::string names;
  prometheus::ClientMetric metric;
  for (const auto& [label, value] : labels) {
    names.append(names.empty() ? "" : ",").append(label);
    metric.label.push_back({std::string(label), std::string(value)});
  }
  COFFER_CHECK(names == found->labels);
  auto& family = families_[static_cast<std::size_t>(found - table.begin())];
  return family.metric.emplace_back(std::move(metric));
}

void MetricsPage::set(std::string_view name, double value, Labels labels) {
  auto& metric = add(name, labels);
  metric.gauge.value = value;
  metric.counter.value = value;
}

void MetricsPage::set_histogram(std::string_view name, const HistogramArray::Reading& reading,
                                std::span<const std::uint64_t> bounds, double unit, Labels labels) {
  auto& histogram = add(name, labels).histogram;
  histogram.sample_count = reading.count();
  histogram.sample_sum = static_cast<double>(reading.sum) / unit;
  for (std::size_t i = 0; i < bounds.size(); ++i)
    histogram.bucket.push_back({reading.cumulative[i], static_cast<double>(bounds[i]) / unit});
  histogram.bucket.push_back({reading.count(), std::numeric_limits<double>::infinity()});
}

std::string MetricsPage::text() const {
  auto shown = families_;
  std::erase_if(shown,
                [](const prometheus::MetricFamily& family) { return family.metric.empty(); });
  return prometheus::TextSerializer().Serialize(shown);
}

namespace {

std::string_view to_text(prometheus::MetricType type) noexcept {
  switch (type) {
    case prometheus::MetricType::Counter:
      return "counter";
    case prometheus::MetricType::Gauge:
      return "gauge";
    case prometheus::MetricType::Histogram:
      return "histogram";
    case prometheus::MetricType::Summary:
    case prometheus::MetricType::Untyped:
      break;
  }
  return "untyped";
}

}  // namespace

std::string describe_metrics() {
  std::string out = "| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const auto& info : metric_table())
    out += fmt::format("| `{}` | {} | {} | {} |\n", info.name, to_text(info.type), info.labels,
                       info.help);
  return out;
}

}  // namespace coffer::server
