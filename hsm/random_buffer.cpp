#include "hsm/random_buffer.h"

#include <openssl/rand.h>
#include <pthread.h>

#include <atomic>
#include <cstring>

#include "events/base/check.h"
#include "events/base/secret_bytes.h"

namespace coffer::hsm {
namespace {

constexpr std::size_t kBatchBytes = 1024;

// Counts the forks between the first process and this one.
std::atomic<std::uint32_t>& fork_generation() noexcept {
  static std::atomic<std::uint32_t> generation{0};
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { fork_generation().fetch_add(1); });
  COFFER_CHECK(registered == 0);
  return generation;
}

struct RandomBuffer {
  std::array<std::uint8_t, kBatchBytes> bytes{};
  std::size_t used = sizeof bytes;
  std::uint32_t generation = 0;

  ~RandomBuffer() { wipe_memory(bytes.data(), bytes.size()); }

  void fill(std::span<std::uint8_t> out) noexcept {
    const auto generation_now = fork_generation().load(std::memory_order_relaxed);
    if (bytes.size() - used < out.size() || generation != generation_now) {
      COFFER_CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
      used = 0;
      generation = generation_now;
    }
    std::memcpy(out.data(), bytes.data() + used, out.size());
    wipe_memory(bytes.data() + used, out.size());
    used += out.size();
  }
};

}  // namespace

void fill_public_random(std::span<std::uint8_t> out) noexcept {
  if (out.empty()) return;
  COFFER_CHECK(out.size() <= kPublicRandomBytesMax);
  thread_local RandomBuffer buffer;
  buffer.fill(out);
}

GcmNonce fresh_gcm_nonce() noexcept {
  GcmNonce nonce;
  fill_public_random(nonce);
  return nonce;
}

}  // namespace coffer::hsm
