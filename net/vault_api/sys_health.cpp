// sys/health, sys/seal-status, sys/leader: raw answers that need no token; sys/ha-status.
#include <array>

#include "net/vault_api/ha_status.h"
#include "net/vault_api/handlers.h"
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

struct Health {
  bool initialized = false;
  bool sealed = false;
  bool standby = false;
  std::string cluster_name;
  std::string cluster_id;
};

SecretBytes health_body(const Health& health, Timestamp now, const VaultApiOptions& options) {
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  writer.key("initialized").boolean(health.initialized);
  writer.key("sealed").boolean(health.sealed);
  writer.key("standby").boolean(health.standby);
  writer.key("performance_standby").boolean(false);
  writer.key("replication_performance_mode").string("disabled");
  writer.key("replication_dr_mode").string("disabled");
  writer.key("server_time_utc").integer(now.seconds());
  writer.key("version").string(options.version);
  writer.key("enterprise").boolean(false);
  if (!health.cluster_id.empty()) {
    writer.key("cluster_name").string(health.cluster_name);
    writer.key("cluster_id").string(health.cluster_id);
  }
  writer.end_object();
  return body;
}

// `ha` null: a single node.
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

void write_nodes(json::Writer& writer, const HaStatus& ha) {
  writer.begin_object();
  writer.key("nodes").begin_array();
  for (const auto& node : ha.nodes) {
    writer.begin_object();
    writer.key("hostname").string(node.id);
    writer.key("api_address").string(node.api_address);
    writer.key("cluster_address").string(node.cluster_address);
    writer.key("active_node").boolean(node.active);
    if (node.last_echo)
      writer.key("last_echo").string(to_rfc3339(*node.last_echo));
    else
      writer.key("last_echo").null();
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
}

HttpResponse to_response(Answer answer) {
  HttpResponse response;
  response.status = answer.status;
  response.content_type = answer.content_type;
  response.body = std::move(answer.body);
  return response;
}

Answer standby_health(const Fields& fields, bool initialized, Timestamp now,
                      const VaultApiOptions& options) {
  const auto codes = wanted_codes(fields);
  const auto standby_ok = fields.boolean("standbyok");
  if (!codes || !standby_ok) return bare_error(400, ErrorCode::invalid_argument);
  const int code = !initialized                         ? codes->uninitialized
                   : *standby_ok && standby_ok->value() ? codes->active
                                                        : codes->standby;
  return raw_answer(code, health_body({.initialized = initialized,
                                       .sealed = !initialized,
                                       .standby = true,
                                       .cluster_name = {},
                                       .cluster_id = {}},
                                      now, options));
}

}  // namespace

void sys_health(Exchange& x, std::string_view) {
  const auto codes = wanted_codes(x.fields());
  if (!codes) return x.answer(bare_error(400, ErrorCode::invalid_argument));
  const auto status = x.port().status();
  const int code = !status.initialized ? codes->uninitialized
                   : status.sealed     ? codes->sealed
                                       : codes->active;
  Health health{.initialized = status.initialized,
                .sealed = status.sealed,
                .standby = false,
                .cluster_name = {},
                .cluster_id = {}};
  if (!status.sealed) {
    health.cluster_name = status.cluster_name;
    health.cluster_id = status.cluster_id;
  }
  x.answer(raw_answer(code, health_body(health, x.port().now(), x.options())));
}

void sys_seal_status(Exchange& x, std::string_view) {
  x.answer(seal_status_answer(x.options(), x.port().status()));
}

void sys_leader(Exchange& x, std::string_view) {
  if (x.port().status().sealed) return x.refuse(ErrorCode::sealed, {});
  if (!x.options().ha) return x.answer(raw_answer(200, leader_body(nullptr)));
  const auto ha = x.options().ha();
  x.answer(raw_answer(200, leader_body(&ha)));
}

void sys_ha_status(Exchange& x, std::string_view) {
  const auto ha = x.options().ha ? x.options().ha() : HaStatus{};
  x.answer_injected([&](json::Writer& writer) { write_nodes(writer, ha); });
}
}  // namespace coffer::net::vault

namespace coffer::net {

std::optional<HttpResponse> standby_answer(const HttpRequest& request, bool initialized,
                                           Timestamp now, const VaultApiOptions& options) {
  const auto path = std::string_view(request.target).substr(0, request.target.find('?'));
  const bool health = path == "/v1/sys/health";
  if (!health && path != "/v1/sys/leader") return std::nullopt;
  HttpRequest bare;  // parsing takes things out of a request; these are without token and body
  bare.method = request.method;
  bare.target = request.target;
  const auto parsed = vault::parse_request(bare, options);
  if (parsed.refusal || parsed.operation != policy::Operation::read) return std::nullopt;
  if (!health) {
    const auto ha = options.ha();
    return vault::to_response(vault::raw_answer(200, vault::leader_body(&ha)));
  }
  auto response = vault::to_response(
      vault::standby_health(vault::Fields(parsed.field_root()), initialized, now, options));
  if (parsed.is_head) response.body = {};
  return response;
}

}  // namespace coffer::net
