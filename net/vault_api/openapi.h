// The OpenAPI 3 document of what is served, made from the route tables alone, so that it is true by
// construction. What a table does not say, the fields of bodies, is left open. LIST stands as GET
// with `list=true` and a trailing slash, as in Vault's own document, and PUT is not repeated beside
// POST. Format: https://spec.openapis.org/oas/v3.0.3. Pure.
#pragma once

#include "events/base/secret_bytes.h"
#include "net/vault_api/vault_api.h"

namespace coffer::net::vault {

[[nodiscard]] SecretBytes openapi_document(const VaultApiOptions& options);

}  // namespace coffer::net::vault
