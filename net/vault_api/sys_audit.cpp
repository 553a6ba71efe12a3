// sys/audit, sys/audit-hash, sys/config/cors. Every request is in the access log, which cannot be
// switched off: it is listed as the one audit device there is, and there are no others.
#include <fmt/format.h>

#include "net/vault_api/handlers.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {
namespace {

constexpr std::string_view kDevice = "access/";

bool is_device(std::string_view path) {
  return with_slash(path) == kDevice;
}

}  // namespace

void sys_audit_list(Exchange& x, std::string_view) {
  x.answer_injected([](json::Writer& writer) {
    writer.begin_object().key(kDevice).begin_object();
    writer.key("type").string("access-log");
    writer.key("description").string("built in: every request, durable before its answer");
    writer.key("path").string(kDevice).key("local").boolean(false);
    writer.key("options").begin_object().end_object();
    writer.end_object().end_object();
  });
}

void sys_audit_enable(Exchange& x, std::string_view path) {
  if (is_device(path))
    return x.refuse(ErrorCode::invalid_argument, "path is already in use at access/");
  COFFER_FIELD(const auto type, x, x.fields().text("type"));
  x.refuse(ErrorCode::invalid_argument,
           fmt::format("unknown backend type: \"{:.64}\": the built-in access log is the only "
                       "audit device",
                       type.value_or("")));
}

void sys_audit_disable(Exchange& x, std::string_view path) {
  if (is_device(path))
    return x.refuse(ErrorCode::invalid_argument, "the access log cannot be disabled");
  x.answer(no_content());
}

void sys_audit_hash(Exchange& x, std::string_view path) {
  COFFER_FIELD(const auto input, x, x.fields().text("input"));
  if (!input || input->empty())
    return x.refuse(ErrorCode::invalid_argument, "the \"input\" parameter is empty");
  if (!is_device(path))
    return x.refuse(ErrorCode::invalid_argument,
                    fmt::format("unknown audit backend: {:.128}", path));
  COFFER_FIELD(const auto hash, x, x.port().audit_hash(*x.admission(), *input));
  x.answer_injected([&](json::Writer& writer) {
    writer.begin_object().key("hash").string("hmac-sha256:" + hash.token);
    writer.key("accessor_hash").string("hmac-sha256:" + hash.accessor).end_object();
  });
}

void sys_cors_read(Exchange& x, std::string_view) {
  x.answer_injected([](json::Writer& writer) {
    writer.begin_object().key("enabled").boolean(false).end_object();
  });
}

void sys_cors_write(Exchange& x, std::string_view) {
  x.refuse(ErrorCode::invalid_argument, "this server answers no cross-origin requests of browsers");
}

void sys_cors_remove(Exchange& x, std::string_view) {
  x.answer(no_content());
}

}  // namespace coffer::net::vault
