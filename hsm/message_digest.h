// Digests that clients may ask for by name. Stateless and thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "events/base/bytes.h"

namespace coffer::hsm {

// `algorithm`: sha2-224, sha2-256, sha2-384, sha2-512, sha3-224, sha3-256, sha3-384, sha3-512
// (FIPS 180-4 and 202). Nothing: another one.
[[nodiscard]] std::optional<Bytes> message_digest(std::string_view algorithm, BytesView data);

}  // namespace coffer::hsm
