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
  key_use = 5,    // no aggregate: how often each tenant key has wrapped
  identity = 12,  // many rows: IdentityRow
};

// Rows of a tenant's identity store. Names stand in them as keyed hashes.
enum class IdentityRow : std::uint8_t {
  entity = 1,             // entity -> stamped sealed snapshot
  entity_name = 2,        // hash -> sealed entity id
  entity_alias = 3,       // alias -> sealed entity id
  entity_alias_name = 4,  // hash of mount and name -> sealed entity id
  merged = 5,             // entity that was merged -> sealed id of the one it is now
  group = 6,              // group -> stamped sealed snapshot
  group_name = 7,
  group_alias = 8,
  group_alias_name = 9,
  member = 10,      // group, member kind, member -> nothing
  membership = 11,  // member kind, member, group -> nothing
};
enum class MemberKind : std::uint8_t { entity = 1, group = 2 };

// What belongs to a mount has the mount in its key, so that unmounting is one prefix per family.
[[nodiscard]] Bytes tenant_aggregate_row(const TenantId& tenant, AggregateKind kind);
[[nodiscard]] Bytes secret_row(const TenantId& tenant, const MountId& mount,
                               const SecretId& secret);
[[nodiscard]] Bytes secret_rows_prefix(const TenantId& tenant, const MountId& mount);
[[nodiscard]] Bytes key_use_row(const TenantId& tenant, const KeyId& tenant_key);
[[nodiscard]] Bytes value_row(const TenantId& tenant, const MountId& mount, const SecretId& secret,
                              VersionNumber version);
[[nodiscard]] Bytes identity_prefix(const TenantId& tenant, IdentityRow row);
// `id16`: an id or a hash.
[[nodiscard]] Bytes identity_row(const TenantId& tenant, IdentityRow row, BytesView id16);
// All members of a group of one kind; those of both kinds begin with identity_row(member, group).
[[nodiscard]] Bytes member_prefix(const TenantId& tenant, BytesView group, MemberKind kind);
[[nodiscard]] Bytes member_row(const TenantId& tenant, BytesView group, MemberKind kind,
                               BytesView member);
[[nodiscard]] Bytes membership_prefix(const TenantId& tenant, MemberKind kind, BytesView member);
[[nodiscard]] Bytes membership_row(const TenantId& tenant, MemberKind kind, BytesView member,
                                   BytesView group);
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
