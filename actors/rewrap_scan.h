// Finds the data keys that an old tenant key still wraps. Runs on the reader's thread, a page at a
// time, so that lists and event streams get their turn in between.
#pragma once

#include "actors/data_keys.h"

namespace coffer::actors {

// All blobs of a tenant, secrets' and orphans' alike: what decides whether a key may go.
struct BlobCount {
  Bytes after;  // where the next page begins
  bool ended = false;
  std::uint64_t left = 0;  // blobs of the term so far
};
[[nodiscard]] Result<void> count_blobs(const log::StateReader& store, const TenantId& tenant,
                                       keyring::KeyTerm term, BlobCount& count);

struct RewrapCandidate {
  DataKeyPlace place;
  KeyId key;
  Bytes blob;  // as it was read
};
// The secrets' way: a blob's place, which it is bound to, is in its secret's snapshot only.
struct RewrapPage {
  std::vector<RewrapCandidate> found;
  Bytes after;
  bool ended = false;
};
[[nodiscard]] Result<RewrapPage> find_candidates(const log::StateReader& store,
                                                 const TenantKeys& keys, keyring::KeyTerm term,
                                                 const Bytes& after);

}  // namespace coffer::actors
