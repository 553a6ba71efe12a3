// The text of tokens and accessors: base62 of system randomness.
#pragma once

#include <string>

#include "events/base/ports.h"
#include "events/base/secret_bytes.h"

namespace coffer::actors {

// "hvs." and 32 base62 characters: 190 bits.
[[nodiscard]] SecretBytes random_token_text(Random& random);
// "hvs." and 24 base62 characters, 142 bits: of the length that one-time pads for root tokens have.
[[nodiscard]] SecretBytes random_root_token_text(Random& random);
// 24 base62 characters.
[[nodiscard]] std::string random_accessor(Random& random);

}  // namespace coffer::actors
