#include "hsm/system_random.h"

#include <openssl/rand.h>

#include <algorithm>

#include "events/base/check.h"
#include "hsm/random_buffer.h"

namespace coffer::hsm {

void SystemRandom::fill(std::span<std::uint8_t> out) noexcept {
  // Ids are short and public; keys are longer and come straight from the system's generator.
  if (out.size() <= kPublicRandomBytesMax) return fill_public_random(out);
  // OpenSSL counts in int.
  constexpr std::size_t kChunkBytesMax = std::size_t{1} << 20;
  while (!out.empty()) {
    const auto chunk = out.first(std::min(out.size(), kChunkBytesMax));
    COFFER_CHECK(RAND_bytes(chunk.data(), static_cast<int>(chunk.size())) == 1);
    out = out.subspan(chunk.size());
  }
}

}  // namespace coffer::hsm
