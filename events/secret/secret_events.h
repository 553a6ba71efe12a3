// Events of one secret. Sealed values only: the core never sees plaintext.
// Stored formats are promises: fields are added, never changed (events/README.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/base/time.h"

namespace coffer::secret {

using CustomMetadata = std::map<std::string, std::string>;

// Settings of the mount (KV v2 `config`).
struct MountSettings {
  std::uint32_t max_versions = 0;  // 0: not set, then 10
  bool cas_required = false;
  Seconds delete_version_after{0};  // negative: disabled for all secrets of the mount
  friend bool operator==(const MountSettings&, const MountSettings&) = default;
};

// First event of a secret, again after SecretRemoved. Emitted before the first version or metadata.
struct SecretCreated {
  MountId mount;
  std::string path;  // relative to the mount, without "data/"
  Timestamp created_time;
  friend bool operator==(const SecretCreated&, const SecretCreated&) = default;
};

struct SecretVersionWritten {
  VersionNumber version = 0;
  Timestamp created_time;
  Timestamp deletion_time;  // not set, or when delete_version_after will delete it
  KeyId data_key;
  Sha256 data_key_blob_hash{};  // of the wrapped blob as it was written; see TenantKeyRewrapped
  Bytes sealed_value;
  VersionNumber oldest_version = 0;  // versions below it are dropped with this write; 0 = none ever
  bool patched = false;
  friend bool operator==(const SecretVersionWritten&, const SecretVersionWritten&) = default;
};

struct SecretVersionsDeleted {
  std::vector<VersionNumber> versions;  // ascending
  Timestamp deletion_time;
  friend bool operator==(const SecretVersionsDeleted&, const SecretVersionsDeleted&) = default;
};

struct SecretVersionsUndeleted {
  std::vector<VersionNumber> versions;  // ascending
  Timestamp deletion_time;              // new expiry, or not set
  friend bool operator==(const SecretVersionsUndeleted&, const SecretVersionsUndeleted&) = default;
};

// The data keys of these versions leave the key store; the values can never be opened again.
struct SecretVersionsDestroyed {
  std::vector<VersionNumber> versions;  // ascending
  friend bool operator==(const SecretVersionsDestroyed&, const SecretVersionsDestroyed&) = default;
};

// Only the members that are set change; custom_metadata replaces the whole map.
struct SecretMetadataChanged {
  std::optional<std::uint32_t> max_versions;
  std::optional<bool> cas_required;
  std::optional<Seconds> delete_version_after;
  std::optional<CustomMetadata> custom_metadata;
  Timestamp changed_time;
  friend bool operator==(const SecretMetadataChanged&, const SecretMetadataChanged&) = default;
};

// All versions and metadata are gone, numbering starts again.
struct SecretRemoved {
  Timestamp removed_time;
  friend bool operator==(const SecretRemoved&, const SecretRemoved&) = default;
};

using Event = std::variant<SecretCreated, SecretVersionWritten, SecretVersionsDeleted,
                           SecretVersionsUndeleted, SecretVersionsDestroyed, SecretMetadataChanged,
                           SecretRemoved>;

}  // namespace coffer::secret
