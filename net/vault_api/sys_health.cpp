// sys/health, sys/seal-status, sys/leader: raw answers that need no token.
#include <array>

#include "net/vault_api/handlers.h"
#include "net/vault_api/node_answers.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {
namespace {

// The statuses a caller may choose for each state of the service. A broken number is refused also
// for a state that there is none of here.
struct HealthCodes {
  int active = 200;
  int standby = 429;
  int sealed = 503;
  int uninitialized = 501;
};

// Errors: invalid_argument without text, as Vault's.
Result<int> wanted_code(const Fields& fields, std::string_view name, int standard) {
  const auto* value = fields.find(name);
  if (value == nullptr || value->text().empty()) return standard;
  const auto code = to_integer(*value);
  if (!code || code.value() < 200 || code.value() > 599)
    return fail(ErrorCode::invalid_argument, {});
  return static_cast<int>(code.value());
}

Result<HealthCodes> wanted_codes(const Fields& fields) {
  static constexpr std::array<std::string_view, 3> kUnused = {
      "drsecondarycode", "performancestandbycode", "removedcode"};
  HealthCodes codes;
  COFFER_ASSIGN(codes.active, wanted_code(fields, "activecode", codes.active));
  COFFER_ASSIGN(codes.standby, wanted_code(fields, "standbycode", codes.standby));
  COFFER_ASSIGN(codes.sealed, wanted_code(fields, "sealedcode", codes.sealed));
  COFFER_ASSIGN(codes.uninitialized, wanted_code(fields, "uninitcode", codes.uninitialized));
  for (const auto name : kUnused) {
    const auto unused = wanted_code(fields, name, 200);
    if (!unused) return unused.error();
  }
  return codes;
}

SecretBytes health_body(const api::ServiceStatus& status, bool standby, Timestamp now,
                        const VaultApiOptions& options) {
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  writer.key("initialized").boolean(status.initialized);
  writer.key("sealed").boolean(status.sealed);
  writer.key("standby").boolean(standby);
  writer.key("performance_standby").boolean(false);
  writer.key("replication_performance_mode").string("disabled");
  writer.key("replication_dr_mode").string("disabled");
  writer.key("server_time_utc").integer(now.seconds());
  writer.key("version").string(options.version);
  writer.key("enterprise").boolean(false);
  if (!status.sealed && !status.cluster_id.empty()) {
    writer.key("cluster_name").string(status.cluster_name);
    writer.key("cluster_id").string(status.cluster_id);
  }
  writer.end_object();
  return body;
}

SecretBytes leader_body(const HaStatus* ha) {
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  writer.key("ha_enabled").boolean(ha != nullptr);
  writer.key("is_self").boolean(ha != nullptr && ha->is_self);
  writer.key("active_time")
      .string(ha != nullptr && ha->is_self ? to_rfc3339(ha->active_time) : "0001-01-01T00:00:00Z");
  writer.key("leader_address").string(ha != nullptr ? ha->leader_api_address : "");
  writer.key("leader_cluster_address").string(ha != nullptr ? ha->leader_cluster_address : "");
  writer.key("performance_standby").boolean(false);
  writer.key("performance_standby_last_remote_wal").integer(0);
  writer.end_object();
  return body;
}

}  // namespace

Answer health_answer(const Fields& fields, const api::ServiceStatus& status, bool standby,
                     Timestamp now, const VaultApiOptions& options) {
  const auto codes = wanted_codes(fields);
  const auto standby_ok = fields.boolean("standbyok");
  if (!codes || (standby && !standby_ok)) return bare_error(400, ErrorCode::invalid_argument);
  const bool as_active = !standby || standby_ok->value_or(false);
  const int code = !status.initialized ? codes->uninitialized
                   : status.sealed     ? codes->sealed
                   : as_active         ? codes->active
                                       : codes->standby;
  return raw_answer(code, health_body(status, standby, now, options));
}

Answer leader_answer(const HaStatus* ha) {
  return raw_answer(200, leader_body(ha));
}

HttpResponse to_response(Answer answer) {
  HttpResponse response;
  response.status = answer.status;
  response.content_type = answer.content_type;
  response.body = std::move(answer.body);
  if (!answer.location.empty())
    response.headers.emplace_back("Location", std::move(answer.location));
  if (answer.retry_later) response.headers.emplace_back("Retry-After", "1");
  return response;
}

void sys_health(Exchange& x, std::string_view) {
  x.answer(health_answer(x.fields(), x.port().status(), false, x.port().now(), x.options()));
}

void sys_seal_status(Exchange& x, std::string_view) {
  x.answer(seal_status_answer(x.options(), x.port().status()));
}

void sys_leader(Exchange& x, std::string_view) {
  if (x.port().status().sealed) return x.refuse(ErrorCode::sealed, {});
  if (!x.options().ha) return x.answer(leader_answer(nullptr));
  const auto ha = x.options().ha();
  x.answer(leader_answer(&ha));
}

}  // namespace coffer::net::vault
