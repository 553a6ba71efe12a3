#include "hsm/nonce_buffer.h"

#include <openssl/rand.h>
#include <pthread.h>

#include <atomic>
#include <cstring>

#include "events/base/check.h"
#include "events/base/secret_bytes.h"

namespace coffer::hsm {
namespace {

constexpr std::size_t kNoncesPerBatch = 64;

// Counts the forks between the first process and this one.
std::atomic<std::uint32_t>& fork_generation() noexcept {
  static std::atomic<std::uint32_t> generation{0};
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { fork_generation().fetch_add(1); });
  COFFER_CHECK(registered == 0);
  return generation;
}

struct NonceBuffer {
  std::array<std::uint8_t, kNoncesPerBatch * sizeof(GcmNonce)> bytes{};
  std::size_t used = sizeof bytes;
  std::uint32_t generation = 0;

  ~NonceBuffer() { wipe_memory(bytes.data(), bytes.size()); }

  GcmNonce next() noexcept {
    const auto generation_now = fork_generation().load(std::memory_order_relaxed);
    if (used == bytes.size() || generation != generation_now) {
      COFFER_CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
      used = 0;
      generation = generation_now;
    }
    GcmNonce nonce;
    std::memcpy(nonce.data(), bytes.data() + used, nonce.size());
    wipe_memory(bytes.data() + used, nonce.size());
    used += nonce.size();
    return nonce;
  }
};

}  // namespace

GcmNonce fresh_gcm_nonce() noexcept {
  thread_local NonceBuffer buffer;
  return buffer.next();
}

}  // namespace coffer::hsm
