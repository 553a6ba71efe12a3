// sys/auth: the auth methods. There is one, token/, and it is always there.
#include <fmt/format.h>

#include "net/vault_api/handlers.h"
#include "net/vault_api/sys_json.h"

namespace coffer::net::vault {
namespace {

bool is_token_auth(std::string_view path) noexcept {
  return path == "token" || path == "token/";
}

}  // namespace

void sys_auth_list(Exchange& x, std::string_view) {
  x.answer_injected([&](json::Writer& writer) {
    const auto mount = token_auth_of(x.tenant());
    writer.begin_object().key(mount.path).begin_object();
    write_mount_members(writer, mount);
    writer.end_object().end_object();
  });
}

void sys_auth_read(Exchange& x, std::string_view path) {
  if (!is_token_auth(path))
    return x.refuse(ErrorCode::invalid_argument,
                    fmt::format("No auth engine at {}", with_slash(path)));
  x.answer_injected([&](json::Writer& writer) {
    writer.begin_object();
    write_mount_members(writer, token_auth_of(x.tenant()));
    writer.end_object();
  });
}

void sys_auth_enable(Exchange& x, std::string_view path) {
  COFFER_FIELD(const auto type, x, x.fields().text("type"));
  if (!type || type->empty())
    return x.refuse(ErrorCode::invalid_argument, "backend type must be specified as a string");
  if (is_token_auth(path))
    return x.refuse(ErrorCode::invalid_argument, "path is already in use at token/");
  x.refuse(ErrorCode::invalid_argument, fmt::format("plugin not found in the catalog: {}", *type));
}

void sys_auth_disable(Exchange& x, std::string_view path) {
  if (is_token_auth(path))
    return x.refuse(ErrorCode::invalid_argument, "token credential backend cannot be disabled");
  x.answer(no_content());
}

void sys_auth_tuning_read(Exchange& x, std::string_view path) {
  if (!is_token_auth(path))
    return x.refuse(ErrorCode::invalid_argument,
                    fmt::format("cannot fetch sysview for path \"{}\"", path));
  x.answer_injected([&](json::Writer& writer) {
    writer.begin_object();
    write_tuning_members(writer, token_auth_of(x.tenant()), x.options());
    writer.end_object();
  });
}

}  // namespace coffer::net::vault
