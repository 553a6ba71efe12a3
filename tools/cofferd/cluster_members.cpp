#include "tools/cofferd/cluster_members.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace coffer::server {
namespace {

Result<ClusterMember> parse_member(std::string_view text) {
  const auto bad = [&](const char* why) {
    return fail(ErrorCode::invalid_argument, fmt::format("cluster.nodes: `{}`: {}", text, why));
  };
  const auto first = text.find('=');
  const auto last = text.rfind('=');
  if (first == std::string_view::npos || first == last)
    return bad("must be ID=API_URL=PEER_HOST:PEER_PORT");
  ClusterMember member;
  member.id = text.substr(0, first);
  member.api_address = text.substr(first + 1, last - first - 1);
  const auto peer = text.substr(last + 1);
  const auto colon = peer.rfind(':');
  if (member.id.empty() || member.api_address.empty() || colon == std::string_view::npos ||
      colon == 0)
    return bad("must be ID=API_URL=PEER_HOST:PEER_PORT");
  auto host = peer.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  member.peer_host = host;
  const auto port = peer.substr(colon + 1);
  const auto [end, error] =
      std::from_chars(port.data(), port.data() + port.size(), member.peer_port);
  if (error != std::errc{} || end != port.data() + port.size() || member.peer_port == 0)
    return bad("the peer port must be a number from 1 to 65535");
  return member;
}

}  // namespace

Result<std::vector<ClusterMember>> parse_members(std::string_view text) {
  std::vector<ClusterMember> members;
  while (true) {
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    COFFER_ASSIGN(auto member, parse_member(word));
    if (std::any_of(members.begin(), members.end(),
                    [&](const ClusterMember& other) { return other.id == member.id; }))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("cluster.nodes: `{}` stands there twice", member.id));
    members.push_back(std::move(member));
  }
  if (members.empty()) return fail(ErrorCode::invalid_argument, "cluster.nodes names no node");
  return members;
}

}  // namespace coffer::server
