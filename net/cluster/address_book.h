// The nodes of the cluster: where each listens for its peers, and under which name its certificate
// is known. What is not in it is not a peer.
// Threads: any; replaced as a whole, so a reader sees one state of it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/result.h"

namespace coffer::net {

struct PeerAddress {
  std::string node_id;
  std::string host;        // IP address or DNS name
  std::uint16_t port = 0;  // of the peer listener
  std::string
      identity;  // first DNS or URI name in the node's certificate (net/http/peer_identity.h)

  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

class AddressBook {
 public:
  // Errors: invalid_argument, the old entries stay: an empty field, a character that a header
  // cannot carry, two nodes with one id or one identity.
  Result<void> replace(std::vector<PeerAddress> nodes);
  [[nodiscard]] std::optional<PeerAddress> find(std::string_view node_id) const;
  // Empty when no node has that identity.
  [[nodiscard]] std::optional<PeerAddress> find_by_identity(std::string_view identity) const;

 private:
  using Nodes = std::vector<PeerAddress>;  // a few: searching them beats hashing
  [[nodiscard]] std::shared_ptr<const Nodes> nodes() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const Nodes> nodes_ = std::make_shared<Nodes>();
};

}  // namespace coffer::net
