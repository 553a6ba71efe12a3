// The key that wraps a namespace's data keys: sys/rotate and sys/key-status for the namespace of
// the request, sys/namespaces/:name/rotate for a child.
#include "net/vault_api/handlers.h"

namespace coffer::net::vault {
namespace {

constexpr std::size_t kStatusBytes = 384;

void write_time(json::Writer& writer, std::string_view name, Timestamp time) {
  writer.key(name);
  if (time.is_set())
    writer.string(to_rfc3339_nano(time));
  else
    writer.null();
}

void write_rotation(json::Writer& writer, const api::KeyRotationStatus& rotation) {
  writer.key("rotation").begin_object();
  writer.key("state").string(rotation.running ? "rewrapping" : "finished");
  writer.key("from_term").unsigned_integer(rotation.from_term);
  write_time(writer, "started", rotation.started);
  write_time(writer, "finished", rotation.finished);
  writer.key("rewrapped").unsigned_integer(rotation.rewrapped);
  writer.key("total");
  if (rotation.total)
    writer.unsigned_integer(*rotation.total);
  else
    writer.null();  // not counted yet
  if (!rotation.problem.empty()) writer.key("problem").string(rotation.problem);
  writer.end_object();
}

// Vault's members of sys/key-status, and how the last rotation went.
void write_status(json::Writer& writer, const api::KeyStatus& status) {
  writer.begin_object();
  writer.key("encryptions").unsigned_integer(status.encryptions);
  write_time(writer, "install_time", status.install_time);
  if (status.rotation) write_rotation(writer, *status.rotation);
  writer.key("term").unsigned_integer(status.term);
  writer.end_object();
}

void rotate(Exchange& x, std::string child) {
  x.port().rotate_tenant_key(x.admission(), std::move(child), 204,
                             x.then_no_content<api::Changed>());
}

Result<std::string> child_of(std::string_view name) {
  if (name.find('/') == std::string_view::npos) return std::string(name);
  return fail(ErrorCode::invalid_argument, "namespace name cannot contain /");
}

}  // namespace

void sys_rotate(Exchange& x, std::string_view) {
  rotate(x, "");
}

void sys_key_status(Exchange& x, std::string_view) {
  x.port().tenant_key_status(
      x.admission(), "", x.then<api::KeyStatus>([](Exchange& self, const api::KeyStatus& status) {
        self.answer_injected([&](json::Writer& writer) { write_status(writer, status); });
      }));
}

void sys_namespace_rotate(Exchange& x, std::string_view name) {
  COFFER_FIELD(auto child, x, child_of(name));
  rotate(x, std::move(child));
}

void sys_namespace_rotation(Exchange& x, std::string_view name) {
  COFFER_FIELD(auto child, x, child_of(name));
  x.port().tenant_key_status(
      x.admission(), std::move(child),
      x.then<api::KeyStatus>([](Exchange& self, const api::KeyStatus& status) {
        self.answer_data(kStatusBytes, [&](json::Writer& writer) { write_status(writer, status); });
      }));
}

}  // namespace coffer::net::vault
