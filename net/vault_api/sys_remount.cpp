// sys/remount: moving a mount. The move is done when the answer leaves; clients that ask for its
// progress get the outcome of each mount's last move.
#include "net/vault_api/handlers.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {

void sys_remount(Exchange& x, std::string_view) {
  const auto fields = x.fields();
  COFFER_FIELD(const auto from, x, fields.text("from"));
  COFFER_FIELD(const auto to, x, fields.text("to"));
  if (!from || from->empty() || !to || to->empty())
    return x.refuse(ErrorCode::invalid_argument,
                    "both 'from' and 'to' path must be specified as a string");
  const auto id = random_id<tenant::MigrationId>(x.random());
  x.port().change_tenant(
      x.admission(), tenant::MoveMount{*from, *to, id}, 200,
      x.then<api::Changed>([id](Exchange& self, api::Changed changed) {
        SecretBytes data;
        json::Writer(data).begin_object().key("migration_id").string(id.to_string()).end_object();
        self.answer(injected_answer(self.request_id(), data), changed.recorded);
      }));
}

void sys_remount_status(Exchange& x, std::string_view id) {
  for (const auto& [path, mount] : x.tenant().state.mounts) {
    if (mount.migration.is_zero() || mount.migration.to_string() != id) continue;
    return x.answer_data(256, [&](json::Writer& writer) {
      writer.begin_object().key("migration_id").string(id);
      writer.key("migration_info").begin_object();
      writer.key("source_mount").string(mount.moved_from);
      writer.key("status").string("success");
      writer.key("target_mount").string(path);
      writer.end_object().end_object();
    });
  }
  x.refuse(ErrorCode::not_found, {});
}

}  // namespace coffer::net::vault
