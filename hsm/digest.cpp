// SHA-256 and HMAC-SHA-256 of envelope_cipher.h over OpenSSL. HMAC is spelled out as its two hash
// passes (RFC 2104), because re-keying OpenSSL's own HMAC context costs half as much again.
#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <memory>

#include "hsm/envelope_cipher.h"

namespace coffer::hsm {
namespace {

constexpr std::size_t kBlockBytes = 64;
using Block = std::array<std::uint8_t, kBlockBytes>;

// One hash context per thread, re-started for each digest. Finishing leaves no input in it.
class Sha256Context {
 public:
  Sha256Context() noexcept : context_(EVP_MD_CTX_new()) {
    // Fetched once and kept for the life of the process.
    static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    COFFER_CHECK(algorithm != nullptr && context_ != nullptr);
    COFFER_CHECK(EVP_DigestInit_ex2(context_.get(), algorithm, nullptr) == 1);
  }

  Sha256 digest(BytesView first, BytesView second) noexcept {
    Sha256 out;
    COFFER_CHECK(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
    COFFER_CHECK(EVP_DigestUpdate(context_.get(), first.data(), first.size()) == 1);
    COFFER_CHECK(EVP_DigestUpdate(context_.get(), second.data(), second.size()) == 1);
    COFFER_CHECK(EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) == 1);
    return out;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

Sha256Context& this_threads_context() noexcept {
  thread_local Sha256Context context;
  return context;
}

}  // namespace

Sha256 sha256(BytesView data) {
  return this_threads_context().digest(data, {});
}

Sha256 sha256_chain(BytesView previous, BytesView data) {
  return this_threads_context().digest(previous, data);
}

Sha256 hmac_sha256(BytesView key, BytesView data) {
  auto& context = this_threads_context();
  Block block{};
  if (key.size() > block.size()) {
    Sha256 short_key = context.digest(key, {});
    std::memcpy(block.data(), short_key.data(), short_key.size());
    wipe_memory(short_key.data(), short_key.size());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  for (auto& byte : block) byte ^= 0x36;
  Sha256 inner = context.digest(block, data);
  for (auto& byte : block) byte ^= 0x36 ^ 0x5c;
  const Sha256 mac = context.digest(block, inner);
  wipe_memory(block.data(), block.size());
  wipe_memory(inner.data(), inner.size());
  return mac;
}

}  // namespace coffer::hsm
