#include "events/codec/meta_codec.h"

#include "events/codec/event_codec.h"
#include "events/schema/meta.pb.h"

namespace coffer::codec {
namespace {

constexpr std::uint32_t kFormat = 1;
// Builds that would take the shares for the PIN's refuse it.
constexpr std::uint32_t kSealedPinFormat = 2;
constexpr std::uint32_t kAutomatic = 1;
constexpr std::uint32_t kShamir = 2;

Bytes serialize(const google::protobuf::MessageLite& message) {
  Bytes out(message.ByteSizeLong());
  message.SerializeToArray(out.data(), static_cast<int>(out.size()));
  return out;
}

bool parse(google::protobuf::MessageLite& message, BytesView bytes) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

Bytes encode_vault_row(const VaultRow& row) {
  schema::VaultRow message;
  message.set_format(row.sealed_pin.empty() ? kFormat : kSealedPinFormat);
  message.set_seal_type(row.shamir ? kShamir : kAutomatic);
  message.set_shares(row.shares);
  message.set_threshold(row.threshold);
  message.set_root_epoch(row.root_epoch);
  message.set_cluster_id(row.cluster_id.bytes.data(), row.cluster_id.bytes.size());
  message.set_cluster_name(row.cluster_name);
  message.set_partitions(row.partitions);
  message.set_created_ns(row.created_time.ns);
  message.set_sealed_pin(row.sealed_pin.data(), row.sealed_pin.size());
  return serialize(message);
}

Result<VaultRow> decode_vault_row(BytesView bytes) {
  schema::VaultRow message;
  const auto format_of = [](const auto& m) {
    return m.sealed_pin().empty() ? kFormat : kSealedPinFormat;
  };
  if (!parse(message, bytes) || message.format() != format_of(message) ||
      message.cluster_id().size() != 16 || message.root_epoch() == 0 || message.partitions() == 0 ||
      (message.seal_type() != kAutomatic && message.seal_type() != kShamir))
    return fail(ErrorCode::corrupt, "the vault row does not decode");
  return VaultRow{.shamir = message.seal_type() == kShamir,
                  .shares = message.shares(),
                  .threshold = message.threshold(),
                  .root_epoch = message.root_epoch(),
                  .cluster_id = Id128<ClusterTag>::from_bytes(as_bytes(message.cluster_id())),
                  .cluster_name = message.cluster_name(),
                  .partitions = message.partitions(),
                  .created_time = {message.created_ns()},
                  .sealed_pin = Bytes(message.sealed_pin().begin(), message.sealed_pin().end())};
}

Bytes encode_tenant_row(const TenantRow& row) {
  schema::TenantRow message;
  message.set_parent(row.parent.bytes.data(), row.parent.bytes.size());
  message.set_sealed_name(row.sealed_name.data(), row.sealed_name.size());
  const auto keyring = encode_snapshot(Snapshot<keyring::KeyringState>{0, row.keyring});
  message.set_keyring(keyring.data(), keyring.size());
  message.set_partition(row.partition);
  return serialize(message);
}

Result<TenantRow> decode_tenant_row(BytesView bytes) {
  schema::TenantRow message;
  if (!parse(message, bytes) || message.parent().size() != 16)
    return fail(ErrorCode::corrupt, "a tenant row does not decode");
  COFFER_ASSIGN(auto keyring, decode_snapshot<keyring::KeyringState>(as_bytes(message.keyring())));
  return TenantRow{.parent = TenantId::from_bytes(as_bytes(message.parent())),
                   .sealed_name = {message.sealed_name().begin(), message.sealed_name().end()},
                   .keyring = keyring.state,
                   .partition = message.partition()};
}

Bytes encode_migration_row(const MigrationRow& row) {
  schema::MigrationRow message;
  message.set_format(kFormat);
  message.set_direction(static_cast<std::uint32_t>(row.direction));
  message.set_began_ns(row.began.ns);
  message.set_folder(row.folder);
  return serialize(message);
}

Result<MigrationRow> decode_migration_row(BytesView bytes) {
  schema::MigrationRow message;
  if (!parse(message, bytes) || message.format() != kFormat ||
      (message.direction() != 1 && message.direction() != 2))
    return fail(ErrorCode::corrupt, "the migration row does not decode");
  return MigrationRow{.direction = static_cast<MigrationDirection>(message.direction()),
                      .began = {message.began_ns()},
                      .folder = message.folder()};
}

}  // namespace coffer::codec
