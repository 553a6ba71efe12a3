#include "events/policy/policy_document.h"

namespace coffer::policy {

std::string_view default_policy_text() noexcept {
  return R"hcl(# What every token may do unless it was created with no_default_policy.

# The token itself: show it, extend it, give it up.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# What the token may do on given paths, for programs and for the user interface.
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}

# The token owner's own identity entity.
path "identity/entity/id/{{identity.entity.id}}" {
  capabilities = ["read"]
}
path "identity/entity/name/{{identity.entity.name}}" {
  capabilities = ["read"]
}

# Leases whose id the token owner knows.
path "sys/leases/lookup" {
  capabilities = ["update"]
}
path "sys/leases/renew" {
  capabilities = ["update"]
}
path "sys/renew" {
  capabilities = ["update"]
}

# The private store of the token.
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# Response wrapping.
path "sys/wrapping/wrap" {
  capabilities = ["update"]
}
path "sys/wrapping/lookup" {
  capabilities = ["update"]
}
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}

# Hashes of data that the caller sends.
path "sys/tools/hash" {
  capabilities = ["update"]
}
path "sys/tools/hash/*" {
  capabilities = ["update"]
}

# State of a control group request whose accessor the token owner knows.
path "sys/control-group/request" {
  capabilities = ["update"]
}

# Sign in to other programs by way of the vault's OIDC provider.
path "identity/oidc/provider/+/authorize" {
  capabilities = ["read", "update"]
}
)hcl";
}

std::string_view response_wrapping_policy_text() noexcept {
  return R"hcl(path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}
)hcl";
}

}  // namespace coffer::policy
