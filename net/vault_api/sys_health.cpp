// sys/health, sys/seal-status, sys/leader: raw answers that need no token.
#include <array>

#include "net/vault_api/handlers.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {
namespace {

// The statuses a caller may choose for each state of the service. We have no standby, but a broken
// number is refused wherever it stands.
struct HealthCodes {
  int active = 200;
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
  static constexpr std::array<std::string_view, 4> kUnused = {
      "standbycode", "drsecondarycode", "performancestandbycode", "removedcode"};
  HealthCodes codes;
  COFFER_ASSIGN(codes.active, wanted_code(fields, "activecode", codes.active));
  COFFER_ASSIGN(codes.sealed, wanted_code(fields, "sealedcode", codes.sealed));
  COFFER_ASSIGN(codes.uninitialized, wanted_code(fields, "uninitcode", codes.uninitialized));
  for (const auto name : kUnused) {
    const auto unused = wanted_code(fields, name, 200);
    if (!unused) return unused.error();
  }
  return codes;
}

}  // namespace

void sys_health(Exchange& x, std::string_view) {
  const auto codes = wanted_codes(x.fields());
  if (!codes) return x.answer(bare_error(400, ErrorCode::invalid_argument));
  const auto status = x.port().status();
  const int code = !status.initialized ? codes->uninitialized
                   : status.sealed     ? codes->sealed
                                       : codes->active;
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  writer.key("initialized").boolean(status.initialized);
  writer.key("sealed").boolean(status.sealed);
  writer.key("standby").boolean(false);
  writer.key("performance_standby").boolean(false);
  writer.key("replication_performance_mode").string("disabled");
  writer.key("replication_dr_mode").string("disabled");
  writer.key("server_time_utc").integer(x.port().now().seconds());
  writer.key("version").string(x.options().version);
  writer.key("enterprise").boolean(false);
  if (!status.sealed) {
    writer.key("cluster_name").string(status.cluster_name);
    writer.key("cluster_id").string(status.cluster_id);
  }
  writer.end_object();
  x.answer(raw_answer(code, std::move(body)));
}

void sys_seal_status(Exchange& x, std::string_view) {
  x.answer(seal_status_answer(x.options(), x.port().status()));
}

void sys_leader(Exchange& x, std::string_view) {
  if (x.port().status().sealed) return x.refuse(ErrorCode::sealed, {});
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  writer.key("ha_enabled").boolean(false);
  writer.key("is_self").boolean(false);
  writer.key("active_time").string("0001-01-01T00:00:00Z");
  writer.key("leader_address").string("");
  writer.key("leader_cluster_address").string("");
  writer.key("performance_standby").boolean(false);
  writer.key("performance_standby_last_remote_wal").integer(0);
  writer.end_object();
  x.answer(raw_answer(200, std::move(body)));
}

}  // namespace coffer::net::vault
