// Rows of the families "meta" and "tenants" (events/schema/meta.proto). Pure, thread-safe.
// Errors: corrupt.
#pragma once

#include <cstdint>
#include <string>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/base/result.h"
#include "events/base/time.h"
#include "events/keyring/keyring.h"

namespace coffer::codec {

struct VaultRow {
  bool shamir = false;
  std::uint32_t shares = 0;
  std::uint32_t threshold = 0;
  std::uint32_t root_epoch = 0;
  Id128<struct ClusterTag> cluster_id;
  std::string cluster_name;
  std::uint32_t partitions = 1;
  Timestamp created_time;
  // Shamir: the PIN's entropy under the key that the shares are of. Empty: a vault of an earlier
  // build, whose shares are of the PIN itself.
  Bytes sealed_pin = {};
  friend bool operator==(const VaultRow&, const VaultRow&) = default;
};
[[nodiscard]] Bytes encode_vault_row(const VaultRow& row);
[[nodiscard]] Result<VaultRow> decode_vault_row(BytesView bytes);

struct TenantRow {
  TenantId parent;
  Bytes sealed_name;
  keyring::KeyringState keyring;
  PartitionId partition = 0;
  friend bool operator==(const TenantRow&, const TenantRow&) = default;
};
[[nodiscard]] Bytes encode_tenant_row(const TenantRow& row);
[[nodiscard]] Result<TenantRow> decode_tenant_row(BytesView bytes);

enum class MigrationDirection : std::uint8_t { to_kafka = 1, to_embedded = 2 };
struct MigrationRow {
  MigrationDirection direction = MigrationDirection::to_kafka;
  Timestamp began;
  std::string folder;  // of the embedded vault, for people
  friend bool operator==(const MigrationRow&, const MigrationRow&) = default;
};
[[nodiscard]] Bytes encode_migration_row(const MigrationRow& row);
[[nodiscard]] Result<MigrationRow> decode_migration_row(BytesView bytes);

}  // namespace coffer::codec
