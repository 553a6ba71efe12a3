// The rules of KV version 2 for one secret. Pure: time and key material come in as values.
// Error texts are the ones Vault clients test for.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "events/base/result.h"
#include "events/secret/secret_state.h"

namespace coffer::secret {

struct Context {
  Timestamp now;
  MountSettings mount;
};

// The sealed value was bound to `version` when it was sealed. If that is not the next version the
// write is refused with unknown-to-clients code `unavailable` and the caller seals again.
struct WriteVersion {
  MountId mount;
  std::string path;
  VersionNumber version = 0;
  std::optional<std::uint64_t> cas;
  KeyId data_key;
  Sha256 data_key_blob_hash{};
  Bytes sealed_value;
  bool patched = false;
};
struct DeleteCurrentVersion {};
struct DeleteVersions {
  std::vector<VersionNumber> versions;
};
struct UndeleteVersions {
  std::vector<VersionNumber> versions;
};
struct DestroyVersions {
  std::vector<VersionNumber> versions;
};
// A merge patch of custom metadata: applied to what is there when it is decided, so that two
// patches at the same time lose nothing.
struct CustomMetadataPatch {
  CustomMetadata set;
  std::vector<std::string> removed;
};
// Keys that patches can pile up on one secret; a single payload is bounded to 64.
inline constexpr std::size_t kCustomMetadataKeysMax = 1024;

// Only what is set changes. `must_exist`: PATCH refuses with not_found, POST creates.
struct ChangeMetadata {
  MountId mount;
  std::string path;
  std::optional<std::uint32_t> max_versions;
  std::optional<bool> cas_required;
  std::optional<Seconds> delete_version_after;
  std::optional<CustomMetadata> custom_metadata;  // replaces
  bool must_exist = false;
  // Merges; not together with custom_metadata.
  std::optional<CustomMetadataPatch> custom_metadata_patch = std::nullopt;
};
struct RemoveSecret {};

using Command = std::variant<WriteVersion, DeleteCurrentVersion, DeleteVersions, UndeleteVersions,
                             DestroyVersions, ChangeMetadata, RemoveSecret>;

// An empty list means: accepted, nothing to change.
[[nodiscard]] Result<std::vector<Event>> decide(const SecretState& state, const Command& command,
                                                const Context& context);

// The check-and-set part alone, so that a write can be refused before a data key is made for it.
[[nodiscard]] Result<void> check_cas(const SecretState& state, std::optional<std::uint64_t> cas,
                                     const MountSettings& mount);

// Limits of custom metadata; the payload of a PATCH is checked by itself.
[[nodiscard]] Result<void> check_custom_metadata(const CustomMetadata& payload);

// Keys whose wrapped blobs must leave the key store when `event` is applied to `before`.
[[nodiscard]] std::vector<std::pair<VersionNumber, KeyId>> keys_destroyed_by(
    const SecretState& before, const Event& event);

}  // namespace coffer::secret
