// Query strings and request bodies -> fields. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "events/base/result.h"
#include "events/base/secret_bytes.h"
#include "events/json/json_value.h"
#include "net/vault_api/vault_api.h"

namespace coffer::net::vault {

using OptionalFields = std::optional<json::Document>;  // absent: no fields

// Parameters become string members, repeated ones arrays. Broken pairs are left out, as is "help".
[[nodiscard]] Result<OptionalFields> parse_query(std::string_view query,
                                                 const VaultApiOptions& options);

// The body of POST, PUT and PATCH: JSON whatever the type says, unless it is a form and does not
// look like JSON. Errors: invalid_argument.
[[nodiscard]] Result<OptionalFields> parse_body(std::string_view body,
                                                std::string_view content_type,
                                                const VaultApiOptions& options);

// The media type in lower case without parameters. Errors: invalid_argument with Go's text.
[[nodiscard]] Result<std::string> parse_media_type(std::string_view content_type);

}  // namespace coffer::net::vault
