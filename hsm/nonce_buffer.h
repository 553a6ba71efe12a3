// Random 12-byte GCM nonces, drawn from the system in batches because one RAND_bytes call costs
// more than sealing a small value. One buffer per thread; a nonce is wiped from the buffer as it is
// handed out, and a forked child starts with an empty buffer, so that no nonce can be given out
// twice. Errors: none; no randomness aborts the process (COFFER_CHECK). Spec: NIST SP
// 800-38D, 8.2.2 (RBG-based construction, 96 random bits).
#pragma once

#include <array>
#include <cstdint>

namespace coffer::hsm {

using GcmNonce = std::array<std::uint8_t, 12>;

[[nodiscard]] GcmNonce fresh_gcm_nonce() noexcept;

}  // namespace coffer::hsm
