// The giving side of a snapshot on the peer listener (snapshot_wire.h, snapshot_source.h): nodes of
// the address book only, one copy at a time, slower than a bound so that serving does not suffer.
// Threads: requests from any; one of its own, of lower priority, reads the disk.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>

#include "events/base/ports.h"
#include "events/log/kafka/snapshot_source.h"
#include "net/cluster/address_book.h"
#include "net/snapshot/snapshot_wire.h"

namespace coffer::net {

struct SnapshotServerOptions {
  log::SnapshotSourceOptions source;
  std::uint64_t bytes_per_second = 0;  // 0: no bound
  std::size_t waiting_max = 64;        // requests; beyond: 429
};

class SnapshotServer {
 public:
  using Status = std::function<PeerStatus()>;  // cheap; called on the listener's threads

  // `book` and `random` outlive the server. Deletes what a former process left.
  SnapshotServer(SnapshotServerOptions options, const AddressBook& book, Random& random,
                 Status status);
  ~SnapshotServer();  // stop()
  SnapshotServer(const SnapshotServer&) = delete;
  SnapshotServer& operator=(const SnapshotServer&) = delete;

  void set_store(std::weak_ptr<log::RocksDbState> store) { source_.set_store(std::move(store)); }
  // For requests that is_snapshot_request() accepts.
  void on_request(const HttpRequest& request, Responder respond);
  // Answers all that wait and deletes the copy. After it everything is refused.
  void stop();

 private:
  struct Job {
    SnapshotRequest request;
    std::string peer;
    Responder respond;
  };

  void run();
  void serve(const Job& job);
  Result<HttpResponse> answer(const Job& job);
  Result<HttpResponse> begin(const Job& job);
  Result<HttpResponse> read(const Job& job);
  // Waits for what was sent before to be paid for. False: the server stops.
  bool pace(std::uint64_t bytes);

  const SnapshotServerOptions options_;
  const AddressBook& book_;
  Random& random_;
  const Status status_;
  log::SnapshotSource source_;
  std::chrono::steady_clock::time_point paid_until_{};  // the thread's own
  std::mutex mutex_;                                    // guards what follows
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace coffer::net
