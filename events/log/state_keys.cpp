#include "events/log/state_keys.h"

namespace coffer::log {
namespace {

Bytes join(std::initializer_list<BytesView> parts) {
  Bytes out;
  std::size_t size = 0;
  for (const auto& part : parts) size += part.size();
  out.reserve(size);
  for (const auto& part : parts) append(out, part);
  return out;
}

}  // namespace

Bytes tenant_aggregate_row(const TenantId& tenant, AggregateKind kind) {
  const std::uint8_t kind_byte[] = {static_cast<std::uint8_t>(kind)};
  return join({tenant.view(), kind_byte});
}

Bytes secret_row(const TenantId& tenant, const MountId& mount, const SecretId& secret) {
  return join({secret_rows_prefix(tenant, mount), secret.view()});
}

Bytes secret_rows_prefix(const TenantId& tenant, const MountId& mount) {
  return join({tenant_aggregate_row(tenant, AggregateKind::secret), mount.view()});
}

Bytes key_use_row(const TenantId& tenant, const KeyId& tenant_key) {
  return join({tenant_aggregate_row(tenant, AggregateKind::key_use), tenant_key.view()});
}

Bytes identity_prefix(const TenantId& tenant, IdentityRow row) {
  const std::uint8_t row_byte[] = {static_cast<std::uint8_t>(row)};
  return join({tenant_aggregate_row(tenant, AggregateKind::identity), row_byte});
}

Bytes identity_row(const TenantId& tenant, IdentityRow row, BytesView id16) {
  return join({identity_prefix(tenant, row), id16});
}

Bytes member_prefix(const TenantId& tenant, BytesView group, MemberKind kind) {
  const std::uint8_t kind_byte[] = {static_cast<std::uint8_t>(kind)};
  return join({identity_row(tenant, IdentityRow::member, group), kind_byte});
}

Bytes member_row(const TenantId& tenant, BytesView group, MemberKind kind, BytesView member) {
  return join({member_prefix(tenant, group, kind), member});
}

Bytes membership_prefix(const TenantId& tenant, MemberKind kind, BytesView member) {
  const std::uint8_t kind_byte[] = {static_cast<std::uint8_t>(kind)};
  return join({identity_prefix(tenant, IdentityRow::membership), kind_byte, member});
}

Bytes membership_row(const TenantId& tenant, MemberKind kind, BytesView member, BytesView group) {
  return join({membership_prefix(tenant, kind, member), group});
}

Bytes value_row(const TenantId& tenant, const MountId& mount, const SecretId& secret,
                VersionNumber version) {
  auto key = join({tenant.view(), mount.view(), secret.view()});
  append_u64(key, version);
  return key;
}

Bytes key_row(const TenantId& tenant, const MountId& mount, const KeyId& key) {
  return join({tenant.view(), mount.view(), key.view()});
}

Bytes mount_prefix(const TenantId& tenant, const MountId& mount) {
  return join({tenant.view(), mount.view()});
}

Bytes tenant_row(const TenantId& tenant) {
  return join({tenant.view()});
}
Bytes token_row(const TokenId& token) {
  return join({token.view()});
}

Bytes accessor_row(const TenantId& tenant, BytesView accessor_hash16) {
  return join({tenant.view(), accessor_hash16});
}

Bytes listing_folder_prefix(const TenantId& tenant, const MountId& mount, BytesView folder_hash16) {
  return join({tenant.view(), mount.view(), folder_hash16});
}

Bytes listing_row(const TenantId& tenant, const MountId& mount, BytesView folder_hash16,
                  BytesView child_hash16) {
  return join({tenant.view(), mount.view(), folder_hash16, child_hash16});
}

Bytes meta_row(std::string_view name) {
  return join({as_bytes(name)});
}

Bytes position_key(PartitionId partition, LogPosition position) {
  Bytes key;
  key.reserve(12);
  append_u32(key, partition);
  append_u64(key, position);
  return key;
}

Bytes tenant_sequence_key(const TenantId& tenant, TenantSequence sequence) {
  auto key = join({tenant.view()});
  append_u64(key, sequence);
  return key;
}

Bytes stamp(TenantSequence sequence, BytesView value) {
  Bytes out;
  out.reserve(8 + value.size());
  append_u64(out, sequence);
  append(out, value);
  return out;
}

Stamped unstamp(BytesView stamped) noexcept {
  if (stamped.size() < 8) return {};
  return {read_u64(stamped, 0), stamped.subspan(8)};
}

}  // namespace coffer::log
