// AES-256-GCM seal and open in software, for payloads under a data key or log key.
// Format: 12-byte random nonce, ciphertext, 16-byte tag (NIST SP 800-38D). A data key seals one
// secret version only; a log key is replaced long before 2^32 seals.
// Stateless and thread-safe. Errors of open: corrupt (wrong key, AAD or altered bytes).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "events/base/bytes.h"
#include "events/base/result.h"
#include "events/base/secret_bytes.h"

namespace coffer::hsm {

inline constexpr std::size_t kDataKeyBytes = 32;
inline constexpr std::size_t kSealOverheadBytes = 12 + 16;

// Precondition: key.size() == kDataKeyBytes.
[[nodiscard]] Bytes seal(BytesView key, BytesView aad, BytesView plaintext);
// Appends what seal() returns to `out`.
void seal_onto(Bytes& out, BytesView key, BytesView aad, BytesView plaintext);
[[nodiscard]] Result<SecretBytes> open(BytesView key, BytesView aad, BytesView sealed);

[[nodiscard]] Sha256 sha256(BytesView data);
[[nodiscard]] Sha256 sha256_chain(BytesView previous, BytesView data);  // SHA-256(previous || data)
[[nodiscard]] Sha256 hmac_sha256(BytesView key, BytesView data);

// RFC 4648 base64. decode: empty optional for anything invalid.
[[nodiscard]] std::string base64_encode(BytesView data);
[[nodiscard]] std::optional<SecretBytes> base64_decode(std::string_view text);

}  // namespace coffer::hsm
