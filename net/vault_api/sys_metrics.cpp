// sys/metrics: this process's metrics as Prometheus reads them. Vault's other form, JSON of the
// last ten seconds with rates and deviations, is refused by name: our counters do not forget.
#include "net/vault_api/handlers.h"
#include "net/vault_api/node_answers.h"

namespace coffer::net::vault {
namespace {

constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

bool accepts_text(std::string_view accept) noexcept {
  for (const std::string_view type :
       {"text/plain", "application/openmetrics-text", "prometheus/telemetry"})
    if (accept.find(type) != std::string_view::npos) return true;
  return false;
}

}  // namespace

Result<void> check_metrics_format(const ParsedRequest& request) {
  COFFER_ASSIGN(const auto format, Fields(request.field_root()).text("format"));
  if (format && *format == "prometheus") return {};
  if ((!format || format->empty()) && accepts_text(request.accept)) return {};
  return fail(ErrorCode::invalid_argument,
              "only the Prometheus format is offered: ask with ?format=prometheus, or with Accept: "
              "text/plain or application/openmetrics-text");
}

Answer metrics_answer(const VaultApiOptions& options) {
  if (!options.metrics) return text_error(400, ErrorCode::unsupported, "metrics are not collected");
  auto answer = raw_answer(200, SecretBytes(std::string_view(options.metrics())));
  answer.content_type = kPrometheusType;
  return answer;
}

// A standby that asks for its client gets consent alone: it shows its own metrics.
void sys_metrics(Exchange& x, std::string_view) {
  if (const auto format = check_metrics_format(x.request()); !format)
    return x.refuse(format.error());
  x.answer(x.for_another_node() ? no_content() : metrics_answer(x.options()));
}

}  // namespace coffer::net::vault
