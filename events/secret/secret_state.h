// State of one secret: metadata and the list of versions. Sealed values are not part of it (they
// live in the value store under secret id and version), so a snapshot stays small.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/container/flat_map.hpp>

#include "events/secret/secret_events.h"

namespace coffer::secret {

struct VersionState {
  Timestamp created_time;
  Timestamp deletion_time;  // in the past: deleted; in the future: will be deleted then
  bool destroyed = false;
  KeyId data_key;
  friend bool operator==(const VersionState&, const VersionState&) = default;

  [[nodiscard]] bool deleted_at(Timestamp now) const noexcept {
    return deletion_time.is_set() && deletion_time <= now;
  }
};

// Flat: a state is copied with every change, and most have few versions.
using Versions = boost::container::flat_map<VersionNumber, VersionState>;

struct SecretState {
  bool exists = false;
  MountId mount;
  std::string path;
  Timestamp created_time;
  Timestamp updated_time;             // of the last version added
  VersionNumber current_version = 0;  // 0: metadata only
  VersionNumber oldest_version = 0;   // 0 until a version was dropped
  std::uint32_t max_versions = 0;     // 0: not set
  bool cas_required = false;
  Seconds delete_version_after{0};
  CustomMetadata custom_metadata;
  Versions versions;
  friend bool operator==(const SecretState&, const SecretState&) = default;

  // Null when that version never was or was dropped; 0 means the current one.
  [[nodiscard]] const VersionState* find_version(VersionNumber version) const noexcept;
};

// Never refuses: an event that does not fit the state is a corrupt log, reported as `corrupt`.
[[nodiscard]] Result<SecretState> evolve(SecretState state, const Event& event);

}  // namespace coffer::secret
