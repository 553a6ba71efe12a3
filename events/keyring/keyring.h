// The key references of one tenant, and the rotation of its tenant key. Wrapped blobs are never
// part of an event: the log holds ids and hashes only, the blobs live in the key store where they
// can be destroyed.
//
//   created ──> active ── rotated ──> re-wrapping ── re-wrapped (once a batch) ── retired ──>
//   active
//
// Tenant keys are numbered by terms: 1 for the one made with the tenant, one more with each
// rotation. While the blobs of the last term are being re-wrapped that key stays readable; there
// are never more than two.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/base/result.h"
#include "events/base/time.h"

namespace coffer::keyring {

using KeyTerm = std::uint32_t;
inline constexpr KeyTerm kFirstTerm = 1;

struct KeyReference {
  KeyId id;
  Sha256 blob_hash{};
  friend bool operator==(const KeyReference&, const KeyReference&) = default;
};

struct KeyringCreated {
  std::uint32_t root_epoch = 0;
  KeyReference tenant_key;  // wrapped by the HSM root key
  KeyReference log_key;     // wrapped by the tenant key; seals event payloads and snapshots
  KeyReference index_key;   // wrapped by the tenant key; keyed hashes of paths and names
  Timestamp created_time;
  friend bool operator==(const KeyringCreated&, const KeyringCreated&) = default;
};
// From here on the new tenant key wraps every new data key. The log and index keys are the same
// keys under the new tenant key, so only their blobs' hashes differ.
struct TenantKeyRotated {
  KeyTerm term = 0;  // of the new key
  std::uint32_t root_epoch = 0;
  KeyReference tenant_key;
  KeyReference log_key;
  KeyReference index_key;
  bool automatic = false;  // by the number of wraps, not by request
  Timestamp rotated_time;
  friend bool operator==(const TenantKeyRotated&, const TenantKeyRotated&) = default;
};
// A batch of data keys was wrapped anew. `set_hash` is SHA-256 over the data key id and the
// SHA-256 of the new blob of each, in ascending order of ids; a key that was destroyed while the
// batch was under way is part of the set and has no blob.
struct TenantKeyRewrapped {
  KeyTerm term = 0;  // of the key that loses them
  std::uint64_t keys = 0;
  Sha256 set_hash{};
  Timestamp rewrapped_time;
  friend bool operator==(const TenantKeyRewrapped&, const TenantKeyRewrapped&) = default;
};
// No blob is wrapped by this key any more, and its own blob has left the key store.
struct TenantKeyRetired {
  KeyTerm term = 0;
  KeyId key;
  std::uint64_t keys = 0;  // re-wrapped in all
  Timestamp retired_time;
  friend bool operator==(const TenantKeyRetired&, const TenantKeyRetired&) = default;
};
using Event = std::variant<KeyringCreated, TenantKeyRotated, TenantKeyRewrapped, TenantKeyRetired>;

// A tenant key whose blobs are being re-wrapped.
struct RetiringKey {
  KeyTerm term = 0;
  std::uint32_t root_epoch = 0;
  KeyReference key;
  Timestamp rotated_time;
  std::uint64_t rewrapped = 0;  // data keys so far
  friend bool operator==(const RetiringKey&, const RetiringKey&) = default;
};
struct FinishedRotation {
  KeyTerm term = 0;  // of the retired key
  Timestamp rotated_time;
  Timestamp retired_time;
  std::uint64_t rewrapped = 0;
  friend bool operator==(const FinishedRotation&, const FinishedRotation&) = default;
};

struct KeyringState {
  bool exists = false;
  std::uint32_t root_epoch = 0;
  KeyReference tenant_key;
  KeyReference log_key;
  KeyReference index_key;
  KeyTerm term = kFirstTerm;
  Timestamp installed_time = {};  // of the tenant key; not set in stores older than rotation
  std::optional<RetiringKey> retiring = std::nullopt;
  std::optional<FinishedRotation> last_rotation = std::nullopt;
  friend bool operator==(const KeyringState&, const KeyringState&) = default;
};

struct CreateKeyring {
  std::uint32_t root_epoch = 0;
  KeyReference tenant_key;
  KeyReference log_key;
  KeyReference index_key;
};
// The new key has proved itself in the HSM before it gets here.
struct RotateTenantKey {
  std::uint32_t root_epoch = 0;
  KeyReference tenant_key;
  KeyReference log_key;
  KeyReference index_key;
  bool automatic = false;
};
struct NoteRewrapped {
  KeyTerm term = 0;
  std::uint64_t keys = 0;
  Sha256 set_hash{};
};
// Precondition: no blob of the term is left and none is under way.
struct RetireTenantKey {
  KeyTerm term = 0;
};
using Command = std::variant<CreateKeyring, RotateTenantKey, NoteRewrapped, RetireTenantKey>;

// invalid_argument: a rotation is under way.
[[nodiscard]] Result<void> check_rotation(const KeyringState& state);
[[nodiscard]] Result<std::vector<Event>> decide(const KeyringState& state, const Command& command,
                                                Timestamp now);
[[nodiscard]] Result<KeyringState> evolve(KeyringState state, const Event& event);

}  // namespace coffer::keyring
