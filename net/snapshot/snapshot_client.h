// The taking side of a snapshot: calls to one peer, each waited for.
// Threads: one caller, which is none of the client's.
#pragma once

#include "events/log/kafka/snapshot_check.h"
#include "net/cluster/peer_client.h"
#include "net/snapshot/snapshot_wire.h"

namespace coffer::net {

// Errors: unavailable, overloaded (another node takes a snapshot), corrupt.
[[nodiscard]] Result<PeerStatus> ask_status(PeerClient& client, const PeerAddress& peer,
                                            std::chrono::milliseconds limit);

class PeerSnapshot final : public log::SnapshotPeer {
 public:
  // All arguments outlive it. `go_on` is asked while the peer makes its copy.
  PeerSnapshot(PeerClient& client, PeerAddress peer, log::GoOn go_on,
               std::chrono::milliseconds call_max = std::chrono::seconds(30),
               std::chrono::milliseconds making_max = std::chrono::minutes(10));

  Result<log::SnapshotManifest> begin() override;
  Result<Bytes> read(const log::SnapshotFile& file, std::uint64_t offset,
                     std::size_t length) override;
  Result<std::vector<log::KeyName>> key_names(const Bytes& after) override;
  void end() override;

 private:
  Result<HttpResponse> call(std::string method, std::string path);

  PeerClient& client_;
  const PeerAddress peer_;
  const log::GoOn go_on_;
  const std::chrono::milliseconds call_max_;
  const std::chrono::milliseconds making_max_;
  std::string id_;
};

}  // namespace coffer::net
