// sys/internal/ui/mounts: what the caller may see of the mounts. The command line asks for it
// before every `kv` command and wants 403, never 404, when there is nothing to see.
#include <fmt/format.h>

#include "net/vault_api/handlers.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {
namespace {

std::string full_path(const MountInfo& mount) {
  return mount.is_auth && !mount.path.starts_with("auth/") ? "auth/" + mount.path : mount.path;
}

bool shows(const Exchange& x, const MountInfo& mount) {
  if (mount.listing_visibility == "unauth") return true;
  return x.admission()->token != nullptr && x.port().sees_mount(*x.admission(), full_path(mount));
}

void write_visible(json::Writer& writer, const Exchange& x, const MountInfo& mount) {
  if (!shows(x, mount)) return;
  writer.key(mount.path).begin_object();
  if (x.admission()->token != nullptr) {
    write_mount_members(writer, mount);
  } else {
    writer.key("description").string(mount.description);
    writer.key("options");
    if (mount.options.empty()) {
      writer.null();
    } else {
      writer.begin_object();
      for (const auto& [key, value] : mount.options) writer.key(key).string(value);
      writer.end_object();
    }
    writer.key("type").string(mount.type);
  }
  writer.end_object();
}

}  // namespace

// Without a token a namespace that does not exist looks like one that shows nothing.
void sys_visible_mounts(Exchange& x, std::string_view) {
  if (x.admission()->tenant == nullptr) {
    return x.answer_data(64, [](json::Writer& writer) {
      writer.begin_object().key("auth").begin_object().end_object();
      writer.key("secret").begin_object().end_object().end_object();
    });
  }
  x.answer_data(1024, [&](json::Writer& writer) {
    writer.begin_object().key("auth").begin_object();
    write_visible(writer, x, token_auth_of(x.tenant()));
    writer.end_object().key("secret").begin_object();
    for (const auto& mount : mounts_of(x.tenant())) write_visible(writer, x, mount);
    writer.end_object().end_object();
  });
}

void sys_mount_preflight(Exchange& x, std::string_view path) {
  const auto& admission = *x.admission();
  if (admission.token == nullptr || admission.tenant == nullptr)
    return x.refuse(ErrorCode::permission_denied, {});
  const auto mount = mount_above(x.tenant(), path);
  if (!mount || !x.port().sees_mount(admission, full_path(*mount)))
    return x.refuse(ErrorCode::permission_denied,
                    fmt::format("preflight capability check returned 403, please ensure client's "
                                "policies grant access to path \"{}\"",
                                with_slash(path)));
  x.answer_data(768, [&](json::Writer& writer) {
    writer.begin_object();
    write_mount_members(writer, *mount);
    writer.key("path").string(mount->path);
    writer.end_object();
  });
}

}  // namespace coffer::net::vault
