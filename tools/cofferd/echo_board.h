// What the nodes of a cluster say of themselves to the active one, once a second (echo_request in
// net/cluster/forwarding.h), and what that one remembers of it.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "net/vault_api/ha_status.h"

namespace coffer::server {

struct Echo {
  net::NodeState state = net::NodeState::unknown;
  LogPosition applied = 0;           // of the partition's events, in that node's store
  std::uint32_t record_version = 1;  // the latest that it reads; releases of version 1 do not say
  friend bool operator==(const Echo&, const Echo&) = default;
};

// "standby 1234 2". Parsing ignores what follows, which a later version may add. Pure.
[[nodiscard]] std::string format_echo(const Echo& echo);
[[nodiscard]] std::optional<Echo> parse_echo(std::string_view text);

// Threads: any.
class EchoBoard {
 public:
  struct Heard {
    Echo echo;
    Timestamp time;
  };
  void note(const std::string& node, const Echo& echo, Timestamp now);
  [[nodiscard]] std::optional<Heard> find(const std::string& node) const;
  // This node is no longer the one that is told.
  void clear();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Heard> heard_;  // a node of the address book each
};

}  // namespace coffer::server
