// The table of metrics keeps Prometheus' rules for names, is what docs/metrics.md prints, and pages
// are rendered as the format asks.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "tools/cofferd/metrics_page.h"

namespace coffer::server {
namespace {

using prometheus::MetricType;

TEST_CASE("metrics: names as https://prometheus.io/docs/practices/naming/ asks") {
  std::set<std::string_view> names;
  for (const auto& info : metric_table()) {
    CAPTURE(info.name);
    CHECK(names.insert(info.name).second);
    CHECK(info.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
    const bool prefixed = info.name.starts_with("coffer_") || info.name.starts_with("process_") ||
                          info.name.starts_with("vault_core_");
    CHECK(prefixed);
    CHECK(info.name.ends_with("_total") == (info.type == MetricType::Counter));
    CHECK_FALSE(info.help.empty());
    CHECK(info.help.find('|') == std::string_view::npos);
  }
}

TEST_CASE("metrics: docs/metrics.md has the table") {
  std::ifstream file(std::string(COFFER_SOURCE_DIR) + "/docs/metrics.md");
  REQUIRE(file.good());
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  CHECK_MESSAGE(text.find(describe_metrics()) != std::string::npos,
                "replace the table by what cofferd --print-metrics prints");
}

TEST_CASE("metrics: a page in the text format") {
  MetricsPage page;
  page.set("coffer_unsealed", 1);
  page.set("coffer_log_records_total", 7, {{"log", "access"}});
  static constexpr std::uint64_t kBounds[] = {1'000'000'000, 2'000'000'000};
  HistogramArray histogram(1, kBounds);
  histogram.observe(0, 500'000'000);
  histogram.observe(0, 9'000'000'000);
  page.set_histogram("coffer_log_commit_duration_seconds", histogram.read(0), kBounds, 1e9);
  CHECK(page.text() ==
        "# HELP coffer_unsealed 1 when this node has the keys\n"
        "# TYPE coffer_unsealed gauge\n"
        "coffer_unsealed 1\n"
        "# HELP coffer_log_commit_duration_seconds One append of the log until it is durable\n"
        "# TYPE coffer_log_commit_duration_seconds histogram\n"
        "coffer_log_commit_duration_seconds_count 2\n"
        "coffer_log_commit_duration_seconds_sum 9.5\n"
        "coffer_log_commit_duration_seconds_bucket{le=\"1\"} 1\n"
        "coffer_log_commit_duration_seconds_bucket{le=\"2\"} 1\n"
        "coffer_log_commit_duration_seconds_bucket{le=\"+Inf\"} 2\n"
        "# HELP coffer_log_records_total Durable records: `events` or `access`\n"
        "# TYPE coffer_log_records_total counter\n"
        "coffer_log_records_total{log=\"access\"} 7\n");
}

}  // namespace
}  // namespace coffer::server
