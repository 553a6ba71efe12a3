#include "net/cluster/address_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace coffer::net {
namespace {

// Ids and identities are compared byte by byte and travel in headers.
bool is_name(std::string_view text) noexcept {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

template <class Field>
std::optional<PeerAddress> first_with(const std::vector<PeerAddress>& nodes, Field field,
                                      std::string_view value) {
  const auto found = std::find_if(nodes.begin(), nodes.end(),
                                  [&](const PeerAddress& node) { return node.*field == value; });
  if (found == nodes.end()) return std::nullopt;
  return *found;
}

}  // namespace

Result<void> AddressBook::replace(std::vector<PeerAddress> nodes) {
  for (const PeerAddress& node : nodes) {
    if (!is_name(node.node_id) || !is_name(node.identity) || !is_name(node.host) ||
        node.port == 0) {
      return fail(ErrorCode::invalid_argument,
                  "a node needs an id, a host, a port and an identity, without spaces");
    }
    for (const PeerAddress& other : nodes) {
      if (&other == &node) continue;
      if (other.node_id == node.node_id || other.identity == node.identity) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("two nodes share the id '{}' or its identity", node.node_id));
      }
    }
  }
  auto fresh = std::make_shared<const Nodes>(std::move(nodes));
  const std::lock_guard lock(mutex_);
  nodes_ = std::move(fresh);
  return {};
}

std::optional<PeerAddress> AddressBook::find(std::string_view node_id) const {
  return first_with(*nodes(), &PeerAddress::node_id, node_id);
}

std::optional<PeerAddress> AddressBook::find_by_identity(std::string_view identity) const {
  return first_with(*nodes(), &PeerAddress::identity, identity);
}

std::shared_ptr<const AddressBook::Nodes> AddressBook::nodes() const {
  const std::lock_guard lock(mutex_);
  return nodes_;
}

}  // namespace coffer::net
