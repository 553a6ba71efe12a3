// The key references of one tenant. Wrapped blobs are never part of an event: the log holds ids and
// hashes only, the blobs live in the key store where they can be destroyed.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/base/result.h"
#include "events/base/time.h"

namespace coffer::keyring {

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
using Event = std::variant<KeyringCreated>;

struct KeyringState {
  bool exists = false;
  std::uint32_t root_epoch = 0;
  KeyReference tenant_key;
  KeyReference log_key;
  KeyReference index_key;
  friend bool operator==(const KeyringState&, const KeyringState&) = default;
};

struct CreateKeyring {
  std::uint32_t root_epoch = 0;
  KeyReference tenant_key;
  KeyReference log_key;
  KeyReference index_key;
};
using Command = std::variant<CreateKeyring>;

[[nodiscard]] Result<std::vector<Event>> decide(const KeyringState& state, const Command& command,
                                                Timestamp now);
[[nodiscard]] Result<KeyringState> evolve(KeyringState state, const Event& event);

}  // namespace coffer::keyring
