// Row keys of the state families. Fixed widths and big-endian numbers, so that a prefix names
// exactly one tenant, mount, folder or secret. No key holds a name or a path in the clear.
#pragma once

#include <string_view>

#include "events/base/bytes.h"
#include "events/base/ids.h"

namespace coffer::log {

enum class AggregateKind : std::uint8_t {
  tenant = 1,
  policies = 2,
  keyring = 3,
  secret = 4,
  key_use = 5,  // no aggregate: how often each tenant key has wrapped
};

// What belongs to a mount has the mount in its key, so that unmounting is one prefix per family.
[[nodiscard]] Bytes tenant_aggregate_row(const TenantId& tenant, AggregateKind kind);
[[nodiscard]] Bytes secret_row(const TenantId& tenant, const MountId& mount,
                               const SecretId& secret);
[[nodiscard]] Bytes secret_rows_prefix(const TenantId& tenant, const MountId& mount);
[[nodiscard]] Bytes key_use_row(const TenantId& tenant, const KeyId& tenant_key);
[[nodiscard]] Bytes value_row(const TenantId& tenant, const MountId& mount, const SecretId& secret,
                              VersionNumber version);
// `mount` is zero for the tenant's own keys.
[[nodiscard]] Bytes key_row(const TenantId& tenant, const MountId& mount, const KeyId& key);
// Prefix of values, keys and listing rows of a mount.
[[nodiscard]] Bytes mount_prefix(const TenantId& tenant, const MountId& mount);
[[nodiscard]] Bytes tenant_row(const TenantId& tenant);
[[nodiscard]] Bytes token_row(const TokenId& token);
[[nodiscard]] Bytes accessor_row(const TenantId& tenant, BytesView accessor_hash16);
// Listing: folder and child are 16-byte keyed hashes.
[[nodiscard]] Bytes listing_folder_prefix(const TenantId& tenant, const MountId& mount,
                                          BytesView folder_hash16);
[[nodiscard]] Bytes listing_row(const TenantId& tenant, const MountId& mount,
                                BytesView folder_hash16, BytesView child_hash16);
inline constexpr std::size_t kListingFolderPrefixBytes = 48;

[[nodiscard]] Bytes meta_row(std::string_view name);
// partition, position: rows of the two logs.
[[nodiscard]] Bytes position_key(PartitionId partition, LogPosition position);
[[nodiscard]] Bytes tenant_sequence_key(const TenantId& tenant, TenantSequence sequence);

// A stamped value: 8 bytes of tenant sequence, then the value itself.
struct Stamped {
  TenantSequence sequence = 0;
  BytesView value;
};
[[nodiscard]] Bytes stamp(TenantSequence sequence, BytesView value);
[[nodiscard]] Stamped unstamp(BytesView stamped) noexcept;  // sequence 0 and empty if too short

}  // namespace coffer::log
