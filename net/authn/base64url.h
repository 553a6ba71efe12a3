// Base64url without padding, as JOSE writes it (RFC 7515, 2; RFC 4648, 5). Strict: no padding, no
// white space, no other alphabet, and the unused bits of the last character are zero, so that every
// value has exactly one text and a signed token has exactly one spelling. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "events/base/bytes.h"

namespace coffer::authn {

[[nodiscard]] std::string base64url_encode(BytesView data);
// Nothing for any other text than the one that base64url_encode gives. "" is the empty value.
[[nodiscard]] std::optional<Bytes> base64url_decode(std::string_view text);

}  // namespace coffer::authn
