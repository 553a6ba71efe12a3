// The taking side of a snapshot (snapshot.h): fetches a copy of a peer's store into a folder of its
// own, checks it, and only then puts it into the place of this node's store. What fails leaves
// nothing behind, and this node's store as it was.
// Threads: one caller; `go_on` is called on it, several times a second.
#pragma once

#include <chrono>

#include "events/log/kafka/kafka_options.h"
#include "events/log/kafka/snapshot.h"
#include "events/log/kafka/snapshot_check.h"

namespace coffer::log {

struct InstallReport {
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  std::uint64_t events = 0;
  std::uint64_t access = 0;
  std::uint64_t tenants = 0;
  std::uint64_t keys = 0;         // rows that wait for their blob
  std::uint64_t events_next = 0;  // offset from which the tail is read
  std::chrono::milliseconds fetching{0};
  std::chrono::milliseconds checking{0};
};

struct InstallOptions {
  KafkaLogOptions log;  // its store's directory is where the copy goes in the end; one partition
  std::string folder;   // of the copy until then; on the same file system
};

// After it the options' store can be opened by KafkaReplica, which reads the rest from the topics.
// Errors: corrupt (the copy is damaged, its chains do not hold, or it is not of these topics),
// unavailable (peer, broker or disk; stopped by `go_on`), as the peer answers.
[[nodiscard]] Result<InstallReport> install_snapshot(const InstallOptions& options,
                                                     SnapshotPeer& peer, const GoOn& go_on);

// Whether there is no store in the folder yet.
[[nodiscard]] bool is_store_empty(const std::string& directory);

}  // namespace coffer::log
