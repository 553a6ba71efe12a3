#include "hsm/envelope_cipher.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "hsm/random_buffer.h"

namespace coffer::hsm {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
// NIST SP 800-38D, 5.2.1.1: a plaintext has at most 2^39 - 256 bits.
constexpr std::uint64_t kPlaintextBytesMax = (std::uint64_t{1} << 36) - 32;
// OpenSSL counts in int.
constexpr std::size_t kChunkBytesMax = std::size_t{1} << 30;
constexpr std::array<std::uint8_t, kDataKeyBytes> kNoKey{};

static_assert(kNonceBytes + kTagBytes == kSealOverheadBytes);
static_assert(sizeof(GcmNonce) == kNonceBytes);

// Fetched once and kept for the life of the process: a fetch walks the provider store under a lock.
const EVP_CIPHER* aes_256_gcm() noexcept {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  COFFER_CHECK(cipher != nullptr);
  return cipher;
}

// One direction's context of one thread. Between uses it holds the schedule of the all-zero key,
// never that of a caller's key. A failure of OpenSSL here is lack of memory or a broken provider:
// nothing safe can follow.
class GcmContext {
 public:
  explicit GcmContext(int encrypt) noexcept : context_(EVP_CIPHER_CTX_new()), encrypt_(encrypt) {
    COFFER_CHECK(context_ != nullptr);
    COFFER_CHECK(EVP_CipherInit_ex2(get(), aes_256_gcm(), nullptr, nullptr, encrypt_, nullptr) ==
                 1);
  }

  // Naming no cipher keeps the context's allocations.
  void start(BytesView key, const std::uint8_t* nonce, BytesView aad) noexcept {
    COFFER_CHECK(key.size() == kDataKeyBytes);
    COFFER_CHECK(EVP_CipherInit_ex2(get(), nullptr, key.data(), nonce, encrypt_, nullptr) == 1);
    update(nullptr, aad);
  }

  // `out` is null for additional data.
  void update(std::uint8_t* out, BytesView in) noexcept {
    while (!in.empty()) {
      const auto chunk = in.first(std::min(in.size(), kChunkBytesMax));
      int written = 0;
      COFFER_CHECK(EVP_CipherUpdate(get(), out, &written, chunk.data(),
                                    static_cast<int>(chunk.size())) == 1);
      COFFER_CHECK(static_cast<std::size_t>(written) == chunk.size());
      if (out != nullptr) out += written;
      in = in.subspan(chunk.size());
    }
  }

  void control(int command, std::uint8_t* tag) noexcept {
    COFFER_CHECK(EVP_CIPHER_CTX_ctrl(get(), command, kTagBytes, tag) == 1);
  }

  // False when decrypting and the tag does not match.
  bool finish() noexcept {
    std::array<std::uint8_t, kTagBytes> unused;
    int written = 0;
    return EVP_CipherFinal_ex(get(), unused.data(), &written) == 1 && written == 0;
  }

  void forget_key() noexcept {
    COFFER_CHECK(EVP_CipherInit_ex2(get(), nullptr, kNoKey.data(), nullptr, encrypt_, nullptr) ==
                 1);
  }

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
  };

  EVP_CIPHER_CTX* get() noexcept { return context_.get(); }

  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
  int encrypt_;
};

}  // namespace

void seal_onto(Bytes& out, BytesView key, BytesView aad, BytesView plaintext) {
  COFFER_CHECK(plaintext.size() <= kPlaintextBytesMax);
  thread_local GcmContext context(1);
  const GcmNonce nonce = fresh_gcm_nonce();
  const auto begin = out.size();
  out.resize(begin + plaintext.size() + kSealOverheadBytes);
  auto* const sealed = out.data() + begin;
  std::memcpy(sealed, nonce.data(), kNonceBytes);

  context.start(key, nonce.data(), aad);
  context.update(sealed + kNonceBytes, plaintext);
  COFFER_CHECK(context.finish());
  context.control(EVP_CTRL_AEAD_GET_TAG, sealed + kNonceBytes + plaintext.size());
  context.forget_key();
}

Bytes seal(BytesView key, BytesView aad, BytesView plaintext) {
  Bytes sealed;
  seal_onto(sealed, key, aad, plaintext);
  return sealed;
}

Result<SecretBytes> open(BytesView key, BytesView aad, BytesView sealed) {
  COFFER_CHECK(key.size() == kDataKeyBytes);
  if (sealed.size() < kSealOverheadBytes)
    return fail(ErrorCode::corrupt, "a sealed value is shorter than its nonce and tag");
  thread_local GcmContext context(0);
  const auto ciphertext = sealed.subspan(kNonceBytes, sealed.size() - kSealOverheadBytes);
  std::array<std::uint8_t, kTagBytes> tag;
  std::memcpy(tag.data(), sealed.data() + sealed.size() - kTagBytes, kTagBytes);
  SecretBytes plaintext(ciphertext.size());

  context.start(key, sealed.data(), aad);
  context.update(plaintext.writable().data(), ciphertext);
  context.control(EVP_CTRL_AEAD_SET_TAG, tag.data());
  const bool authentic = context.finish();
  context.forget_key();
  if (!authentic)
    return fail(ErrorCode::corrupt, "a sealed value does not open: it was altered or moved");
  return plaintext;
}

}  // namespace coffer::hsm
