// Key shares on their way to the PIN of the HSM token: gathered until there are enough, combined,
// forgotten. Shares are of 32 random bytes; the PIN is their hexadecimal text.
// Threads: one caller at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "events/base/ports.h"
#include "events/base/result.h"
#include "events/base/secret_bytes.h"

namespace coffer::actors {

inline constexpr std::size_t kPinEntropyBytes = 32;

// A PIN is text; the shares are of the bytes behind it.
[[nodiscard]] SecretBytes pin_of(const SecretBytes& entropy);

// How the PIN was split: any `threshold` of `shares`.
struct ShareScheme {
  unsigned threshold = 0;
  unsigned shares = 0;
};

class ShareCollector {
 public:
  // The PIN when this share was the last one needed; then all are forgotten. A share that was given
  // already counts once. Whether the PIN is the right one only the HSM can tell.
  // Errors: invalid_argument (length, or shares that do not fit together: all are forgotten).
  [[nodiscard]] Result<std::optional<SecretBytes>> add(SecretBytes share, const ShareScheme& scheme,
                                                       Random& random);
  void reset() noexcept;
  [[nodiscard]] unsigned progress() const noexcept { return static_cast<unsigned>(shares_.size()); }
  // Of the attempt under way; empty when there is none.
  [[nodiscard]] const std::string& nonce() const noexcept { return nonce_; }

 private:
  std::vector<SecretBytes> shares_;
  std::string nonce_;
};

}  // namespace coffer::actors
