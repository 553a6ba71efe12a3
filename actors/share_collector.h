// Key shares on their way to the PIN of the HSM token: gathered until there are enough, combined,
// forgotten. The PIN is the hexadecimal text of 32 random bytes. Those lie in the vault's row,
// sealed (AES-256-GCM) with 32 other random bytes, the unseal key, which the shares are of: so new
// shares need a new row and nothing of the HSM. In vaults of earlier builds the shares are of the
// PIN's bytes themselves, until they are changed for the first time.
// Threads: one caller at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "events/base/ports.h"
#include "events/base/result.h"
#include "events/base/secret_bytes.h"
#include "events/codec/meta_codec.h"

namespace coffer::actors {

inline constexpr std::size_t kPinEntropyBytes = 32;

// A PIN is text; the shares are of the bytes behind it.
[[nodiscard]] SecretBytes pin_of(const SecretBytes& entropy);

// How the PIN was split: any `threshold` of `shares`.
struct ShareScheme {
  unsigned threshold = 0;
  unsigned shares = 0;
  Bytes sealed_pin = {};  // empty: the shares are of the PIN's own bytes
  Id128<codec::ClusterTag> vault = {};
};
[[nodiscard]] ShareScheme scheme_of(const codec::VaultRow& row);

// What stands in the vault's row for the PIN. Precondition: both have kPinEntropyBytes.
[[nodiscard]] Bytes seal_pin(const SecretBytes& unseal_key, const Id128<codec::ClusterTag>& vault,
                             const SecretBytes& pin_entropy);
// The bytes behind the PIN, from what the shares gave. invalid_argument: not these shares'.
[[nodiscard]] Result<SecretBytes> open_pin(const ShareScheme& scheme, const SecretBytes& combined);

class ShareCollector {
 public:
  // What the shares give when this one was the last one needed; then all are forgotten. A share
  // that was given already counts once.
  // Errors: invalid_argument (length, or shares that do not fit together: all are forgotten).
  [[nodiscard]] Result<std::optional<SecretBytes>> combine(SecretBytes share,
                                                           const ShareScheme& scheme,
                                                           Random& random);
  // The same, up to the PIN. Of a vault of an earlier build only the HSM can tell whether it is the
  // right one.
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
