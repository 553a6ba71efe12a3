// The giving side of a snapshot (snapshot.h): one copy of this node's store at a time, for one
// peer.
//
//   none ── begin() ──> preparing ── prepare() ──> ready ── end(), idle, too old, shut ──> none
//
// A copy is made of hard links in a folder beside the store and is deleted when it ends, also what
// a former process left. Threads: any; prepare() from one. The store may come and go meanwhile
// (set_store): a copy that is ready does not need it but for the names of keys.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "events/log/kafka/kafka_options.h"
#include "events/log/kafka/snapshot.h"
#include "events/log/rocksdb_state.h"

namespace coffer::log {

struct SnapshotSourceOptions {
  std::string folder;  // of the copy; on the file system of the store
  std::string topic_prefix;
  PartitionId partition = 0;
  std::chrono::milliseconds idle_max{30'000};  // without a call that names it, a copy ends
  std::chrono::milliseconds age_max{std::chrono::hours(1)};
};

class SnapshotSource {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit SnapshotSource(SnapshotSourceOptions options);
  ~SnapshotSource();
  SnapshotSource(const SnapshotSource&) = delete;
  SnapshotSource& operator=(const SnapshotSource&) = delete;

  // The store that copies are made of; it is used for moments only, and never kept alive longer.
  void set_store(std::weak_ptr<RocksDbState> store);

  // Reserves the place for `peer` under a name that nobody else knows. A copy that this peer had
  // ends: it begins anew. Errors: overloaded (another peer has one), unavailable (no store).
  Result<void> begin(const std::string& id, const std::string& peer, Time now);
  // Makes the copy that was begun. Slow: it writes out the store and reads all of it for digests.
  Result<void> prepare();
  // Nothing: it is still being made. Errors: not_found (no such copy), or why it failed.
  Result<std::optional<SnapshotManifest>> manifest(const std::string& id, const std::string& peer,
                                                   Time now);
  // Errors: not_found, invalid_argument (bounds), unavailable.
  Result<Bytes> read(const std::string& id, const std::string& peer, const std::string& file,
                     std::uint64_t offset, std::uint64_t length, Time now);
  Result<std::vector<KeyName>> key_names(const std::string& id, const std::string& peer,
                                         const Bytes& after, Time now);
  void end(const std::string& id, const std::string& peer);
  // Ends a copy that nobody asks for any more, or that is too old.
  void expire(Time now);
  [[nodiscard]] bool busy() const;

 private:
  struct Copy {
    std::string id;
    std::string peer;
    Time begun;
    Time used;
    bool ready = false;
    std::optional<Error> failure;
    SnapshotManifest manifest;
  };

  Result<SnapshotManifest> make_copy();
  Result<void> list_files(SnapshotManifest& manifest) const;
  [[nodiscard]] Result<Copy*> find(const std::string& id, const std::string& peer, Time now);
  void drop();
  [[nodiscard]] std::shared_ptr<RocksDbState> store() const;

  const SnapshotSourceOptions options_;
  std::mutex making_;         // held by prepare(), and by whoever deletes the folder
  mutable std::mutex mutex_;  // guards what follows; after making_ where both are taken
  std::weak_ptr<RocksDbState> store_;
  std::optional<Copy> copy_;
};

}  // namespace coffer::log
