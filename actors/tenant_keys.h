// The opened log and index keys of one tenant, and everything sealed or hashed with them; the
// tenant key that wraps them is in tenant_key_ring.h. Plain key bytes are in the locked arena only.
// Immutable but for the sealing segment; thread-safe. A rotation of the tenant key leaves both keys
// what they are.
//
// Sealing: AES-256-GCM with random nonces allows 2^32 seals per key, which a busy access log
// reaches within days. So the log key seals nothing itself: each segment (at most 2^30 seals, a new
// one at every start) has its own key, HMAC-SHA256(log key, "coffer segment" || 16-byte salt), and
// the salt stands in front of what it sealed: salt || nonce || ciphertext || tag.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "events/base/ids.h"
#include "events/base/ports.h"
#include "events/base/result.h"
#include "events/base/secret_bytes.h"
#include "hsm/data_key_cache.h"

namespace coffer::actors {

class TenantKeys {
 public:
  struct OpenKey {
    KeyId id;
    hsm::KeyHandle plain;
  };
  TenantKeys(TenantId tenant, OpenKey log_key, OpenKey index_key,
             std::shared_ptr<hsm::LockedArena> arena, Random& random);

  [[nodiscard]] const TenantId& tenant() const noexcept { return tenant_; }
  [[nodiscard]] const KeyId& log_key_id() const noexcept { return log_key_.id; }
  [[nodiscard]] const KeyId& index_key_id() const noexcept { return index_key_.id; }

  // `aad` names the place (a row key, or the tenant for log payloads). unavailable: locked memory
  // is used up.
  [[nodiscard]] Result<Bytes> seal(BytesView aad, BytesView plaintext) const;
  [[nodiscard]] Result<SecretBytes> open(BytesView aad, BytesView sealed) const;

  // Keyed hashes: equal names give equal ids within the tenant and say nothing outside it.
  [[nodiscard]] SecretId secret_id(const MountId& mount, std::string_view path) const;
  [[nodiscard]] Id128<struct HashTag> name_hash(std::string_view domain, const MountId& mount,
                                                std::string_view name) const;
  [[nodiscard]] TokenId token_id(std::string_view token_text) const;
  // Of the text of a state_index.h.
  [[nodiscard]] Sha256 state_tag(std::string_view state) const;

 private:
  struct Segment {
    std::array<std::uint8_t, 16> salt{};
    hsm::KeyHandle key;
    std::atomic<std::uint32_t> seals = 0;
  };
  [[nodiscard]] Result<std::shared_ptr<Segment>> segment() const;
  [[nodiscard]] Sha256 derive(BytesView salt) const;

  TenantId tenant_;
  OpenKey log_key_;
  OpenKey index_key_;
  std::shared_ptr<hsm::LockedArena> arena_;
  Random& random_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<Segment> segment_;
};
using TenantKeysPtr = std::shared_ptr<const TenantKeys>;

// Additional data that binds wrapped keys and sealed values to their place.
[[nodiscard]] Bytes tenant_data_key_aad(const TenantId& tenant, const KeyId& tenant_key,
                                        const KeyId& key, std::string_view purpose);
[[nodiscard]] Bytes secret_data_key_aad(const TenantId& tenant, const KeyId& tenant_key,
                                        const MountId& mount, std::string_view path,
                                        VersionNumber version);
[[nodiscard]] Bytes secret_value_aad(const TenantId& tenant, const MountId& mount,
                                     std::string_view path, VersionNumber version,
                                     const KeyId& data_key);

}  // namespace coffer::actors
