// What a new or wiped node takes from another one instead of reading the topics from the beginning:
// a copy of the store without its wrapped keys, and the names of the keys with the hashes of their
// blobs. The blobs themselves come from the topic "keys" when everything else is applied, so that a
// key that was destroyed meanwhile never reaches the new node, and no copy holds one.
//
//   copy of the store at P  ->  files, verified  ->  names of keys, read at T >= P  ->  tail from P
//     ->  at the end of the events: blobs of the rows that still wait
//
// The names need not be of the same time as the copy: a row that changed between P and T is changed
// by the tail as well, whatever the names said of it, and no other row differs.
// Values; the transport is net/snapshot.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "events/base/bytes.h"
#include "events/base/result.h"

namespace coffer::log {

struct SnapshotFile {
  std::string name;  // of a file of RocksDB, without a folder
  std::uint64_t size = 0;
  Sha256 digest{};
  friend bool operator==(const SnapshotFile&, const SnapshotFile&) = default;
};

struct SnapshotManifest {
  std::string topic_prefix;
  std::uint64_t events_next = 0;  // the copy's place in the topic "events"
  std::vector<SnapshotFile> files;
  friend bool operator==(const SnapshotManifest&, const SnapshotManifest&) = default;
};

struct KeyName {
  Bytes row;  // of Family::keys
  Sha256 hash{};
  friend bool operator==(const KeyName&, const KeyName&) = default;
};

inline constexpr std::size_t kSnapshotFilesMax = 100'000;
inline constexpr std::size_t kSnapshotReadMax = 4u << 20;  // bytes of one read
inline constexpr std::size_t kKeyNamesMax = 20'000;        // of one answer

// The other node. Every call may fail with unavailable (it is gone, or has dropped the snapshot),
// corrupt (what it says makes no sense) or as its answer says. One caller at a time.
class SnapshotPeer {
 public:
  virtual ~SnapshotPeer() = default;
  // Waits until the other side has made its copy.
  virtual Result<SnapshotManifest> begin() = 0;
  // Exactly `length` bytes.
  virtual Result<Bytes> read(const SnapshotFile& file, std::uint64_t offset,
                             std::size_t length) = 0;
  // In the order of rows, those behind `after`; empty: no more.
  virtual Result<std::vector<KeyName>> key_names(const Bytes& after) = 0;
  // The other side may delete its copy. Best effort.
  virtual void end() = 0;
};

// File names of RocksDB that a copy consists of; everything else in a folder is left out, and a
// manifest that names anything else is refused.
[[nodiscard]] bool is_snapshot_file(std::string_view name) noexcept;

// SHA-256 of a file's content. Errors: unavailable.
[[nodiscard]] Result<Sha256> digest_of_file(const std::string& path);
// fsync of a file or folder.
[[nodiscard]] Result<void> sync_path(const std::string& path);

}  // namespace coffer::log
