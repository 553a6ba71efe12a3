// Small random values that are public once used (GCM nonces, ids), drawn from the system in batches
// because one RAND_bytes call costs more than sealing a small value. Never keys: what is not handed
// out yet lies in ordinary memory. One buffer per thread; bytes are wiped from the buffer as they
// are handed out, and a forked child starts with an empty buffer, so that nothing can be given out
// twice. Errors: none; no randomness aborts the process (COFFER_CHECK). Spec: NIST SP
// 800-38D, 8.2.2 (RBG-based construction, 96 random bits).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace coffer::hsm {

using GcmNonce = std::array<std::uint8_t, 12>;

inline constexpr std::size_t kPublicRandomBytesMax = 16;

[[nodiscard]] GcmNonce fresh_gcm_nonce() noexcept;
// At most kPublicRandomBytesMax bytes.
void fill_public_random(std::span<std::uint8_t> out) noexcept;

}  // namespace coffer::hsm
