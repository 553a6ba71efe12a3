// KV version 2: config, the settings of the whole mount.
#include <algorithm>

#include "events/tenant/tenant_decider.h"
#include "net/vault_api/handlers.h"

namespace coffer::net::vault {

void kv_config_read(Exchange& x, std::string_view) {
  const auto& settings = x.admission()->mount->settings;
  x.answer_data(128, [&](json::Writer& writer) {
    writer.begin_object();
    writer.key("cas_required").boolean(settings.cas_required);
    writer.key("delete_version_after").string(to_go_duration(settings.delete_version_after));
    writer.key("max_versions").unsigned_integer(settings.max_versions);
    writer.end_object();
  });
}

void kv_config_write(Exchange& x, std::string_view) {
  const auto fields = x.fields();
  tenant::ChangeMountSettings change;
  change.path = x.admission()->mount->path;
  COFFER_FIELD(const auto max_versions, x, fields.integer("max_versions"));
  // Vault's field is an unsigned 32-bit number that wraps.
  if (max_versions) change.max_versions = static_cast<std::uint32_t>(*max_versions);
  COFFER_FIELD(change.cas_required, x, fields.boolean("cas_required"));
  COFFER_FIELD(const auto delete_after, x, fields.signed_duration("delete_version_after"));
  // Any negative span switches it off for the whole mount.
  if (delete_after)
    change.delete_version_after = Seconds{std::max(delete_after->count, std::int64_t{-1})};
  if (!change.max_versions && !change.cas_required && !change.delete_version_after)
    return x.answer(no_content());
  x.port().change_tenant(x.admission(), std::move(change), 204, x.then_no_content<api::Changed>());
}

}  // namespace coffer::net::vault
