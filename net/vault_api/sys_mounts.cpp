// sys/mounts: what is mounted, enabling, disabling and tuning.
#include <fmt/format.h>

#include "events/tenant/tenant_decider.h"
#include "net/vault_api/handlers.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {
namespace {

constexpr std::size_t kTextBytesMax = 64 * 1024;

// The lease TTLs may be numbers, durations or the word "system" for the server's own.
Result<std::optional<Seconds>> read_ttl(const Fields& fields, std::string_view name) {
  const auto* value = fields.find(name);
  if (value != nullptr && value->is_string() && value->text() == "system")
    return std::optional<Seconds>{Seconds{0}};
  return fields.duration(name);
}

// Of a mount's `config` and of a tuning request. JSON null leaves everything as it is.
Result<tenant::MountTuning> read_tuning(const Fields& fields) {
  tenant::MountTuning tuning;
  COFFER_ASSIGN(tuning.default_lease_ttl, read_ttl(fields, "default_lease_ttl"));
  COFFER_ASSIGN(tuning.max_lease_ttl, read_ttl(fields, "max_lease_ttl"));
  const auto given = [&](std::string_view name) {
    const auto* value = fields.find(name);
    return value != nullptr && !value->is_null();
  };
  if (given("listing_visibility")) {
    COFFER_ASSIGN(tuning.listing_visibility, fields.text("listing_visibility"));
  }
  if (given("force_no_cache")) {
    COFFER_ASSIGN(tuning.force_no_cache, fields.boolean("force_no_cache"));
  }
  if (given("description")) {
    COFFER_ASSIGN(tuning.description, fields.text("description"));
  }
  return tuning;
}

bool is_versioned(const MountInfo& mount) {
  return tenant::is_versioned_kv(mount.type, mount.options);
}

std::string random_suffix(Random& random) {
  std::array<std::uint8_t, 4> bytes;
  random.fill(bytes);
  return to_hex(bytes);
}

Result<tenant::EnableMount> read_mount(Exchange& x, std::string_view path) {
  const auto fields = x.fields();
  tenant::EnableMount command;
  command.path = path;
  COFFER_ASSIGN(auto type, fields.text("type"));
  COFFER_ASSIGN(auto plugin, fields.text("plugin_name"));
  command.type = std::move(type).value_or("");
  if (command.type == "plugin") command.type = std::move(plugin).value_or("");
  COFFER_ASSIGN(auto options, fields.text_map("options"));
  if (options) command.options = std::move(*options);
  COFFER_ASSIGN(const auto config, fields.map("config"));
  COFFER_ASSIGN(command.tuning, read_tuning(Fields(config.object)));
  COFFER_ASSIGN(auto description, fields.text("description"));
  command.tuning.description = std::move(description);
  COFFER_ASSIGN(const auto local, fields.boolean("local"));
  COFFER_ASSIGN(const auto seal_wrap, fields.boolean("seal_wrap"));
  command.local = local.value_or(false);
  command.seal_wrap = seal_wrap.value_or(false);
  for (const auto& [key, value] : command.options)
    if (key.size() + value.size() > kTextBytesMax)
      return fail(ErrorCode::invalid_argument, "options are too large");
  command.id = random_id<MountId>(x.random());
  command.accessor_suffix = random_suffix(x.random());
  return command;
}

}  // namespace

void sys_mounts_list(Exchange& x, std::string_view) {
  x.answer_injected([&](json::Writer& writer) {
    writer.begin_object();
    for (const auto& mount : mounts_of(x.tenant())) {
      writer.key(mount.path).begin_object();
      write_mount_members(writer, mount);
      writer.end_object();
    }
    writer.end_object();
  });
}

void sys_mount_read(Exchange& x, std::string_view path) {
  const auto mount = find_mount(x.tenant(), path);
  if (!mount)
    return x.refuse(ErrorCode::invalid_argument,
                    fmt::format("No secret engine mount at {}", with_slash(path)));
  x.answer_injected([&](json::Writer& writer) {
    writer.begin_object();
    write_mount_members(writer, *mount);
    writer.end_object();
  });
}

void sys_mount_enable(Exchange& x, std::string_view path) {
  COFFER_FIELD(auto command, x, read_mount(x, path));
  x.port().change_tenant(x.admission(), std::move(command), 204, x.then_no_content<api::Changed>());
}

void sys_mount_disable(Exchange& x, std::string_view path) {
  x.port().change_tenant(x.admission(), tenant::DisableMount{std::string(path)}, 204,
                         x.then_no_content<api::Changed>());
}

void sys_mount_tuning_read(Exchange& x, std::string_view path) {
  const auto mount = find_mount(x.tenant(), path);
  if (!mount)
    return x.refuse(ErrorCode::invalid_argument,
                    fmt::format("cannot fetch sysview for path \"{}\"", path));
  x.answer_injected([&](json::Writer& writer) {
    writer.begin_object();
    write_tuning_members(writer, *mount, x.options());
    writer.end_object();
  });
}

void sys_mount_tune(Exchange& x, std::string_view path) {
  const auto fields = x.fields();
  tenant::TuneMount command;
  command.path = path;
  COFFER_FIELD(command.tuning, x, read_tuning(fields));
  COFFER_FIELD(const auto options, x, fields.text_map("options"));
  if (options)
    if (const auto version = options->find("version"); version != options->end())
      command.version = version->second;
  const auto mount = find_mount(x.tenant(), path);
  const bool upgrades = command.version == "2" && mount && !is_versioned(*mount);
  if (!upgrades)
    return x.port().change_tenant(x.admission(), std::move(command), 204,
                                  x.then_no_content<api::Changed>());
  x.port().change_tenant(
      x.admission(), std::move(command), 200,
      x.then<api::Changed>([](Exchange& self, api::Changed changed) {
        self.answer(warning_answer(200, self.request_id(),
                                   {"The mount was upgraded from version 1 to version 2. Its "
                                    "secrets are now below data/."}),
                    changed.recorded);
      }));
}

}  // namespace coffer::net::vault
