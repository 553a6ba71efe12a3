// sys/leases. Secrets of KV have no leases, and a login's token is renewed and revoked as a token:
// so there is no lease that could be found here, and every answer is the one for an unknown lease.
// What would have an effect in Vault on the tokens of logins is refused rather than ignored.
#include <fmt/format.h>

#include "net/vault_api/handlers.h"

namespace coffer::net::vault {
namespace {

// The lease id, in the body or in the path. invalid_argument: there is none.
Result<std::string> read_lease_id(Exchange& x, std::string_view in_path) {
  if (!in_path.empty()) return std::string(in_path);
  COFFER_ASSIGN(auto id, x.fields().text("lease_id"));
  if (!id || id->empty()) return fail(ErrorCode::invalid_argument, "lease_id must be specified");
  return std::move(*id);
}

}  // namespace

void sys_lease_lookup(Exchange& x, std::string_view) {
  COFFER_FIELD_CHECK(x, read_lease_id(x, {}));
  x.refuse(ErrorCode::invalid_argument, "invalid lease");
}

void sys_lease_renew(Exchange& x, std::string_view in_path) {
  COFFER_FIELD_CHECK(x, read_lease_id(x, in_path));
  COFFER_FIELD_CHECK(x, x.fields().duration("increment"));
  x.refuse(ErrorCode::invalid_argument, "lease not found");
}

// Revoking what is not there is a success, as in Vault.
void sys_lease_revoke(Exchange& x, std::string_view in_path) {
  COFFER_FIELD_CHECK(x, read_lease_id(x, in_path));
  x.answer(no_content());
}

void sys_lease_revoke_prefix(Exchange& x, std::string_view prefix) {
  if (prefix == "auth" || prefix.starts_with("auth/"))
    return x.refuse(ErrorCode::invalid_argument,
                    "tokens of logins are not revoked by a prefix here: revoke the tokens, or "
                    "disable the auth method");
  x.answer(no_content());
}

void sys_leases_list(Exchange& x, std::string_view) {
  x.refuse(ErrorCode::not_found, {});
}

}  // namespace coffer::net::vault
