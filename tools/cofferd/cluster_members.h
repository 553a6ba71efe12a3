// The nodes of the cluster as the configuration names them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/result.h"

namespace coffer::server {

struct ClusterMember {
  std::string id;
  std::string api_address;  // URL of its clients
  std::string peer_host;
  std::uint16_t peer_port = 0;
  friend bool operator==(const ClusterMember&, const ClusterMember&) = default;
};

// "n1=https://10.0.0.1:8200=10.0.0.1:8201 n2=...". An IPv6 host stands in brackets.
// Errors: invalid_argument.
[[nodiscard]] Result<std::vector<ClusterMember>> parse_members(std::string_view text);

}  // namespace coffer::server
