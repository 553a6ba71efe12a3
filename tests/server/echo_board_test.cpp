#include "tools/cofferd/echo_board.h"

#include <doctest/doctest.h>

namespace coffer::server {
namespace {

TEST_CASE("echo: what a node says of itself survives the way") {
  using net::NodeState;
  for (const auto state : {NodeState::unknown, NodeState::active, NodeState::standby,
                           NodeState::drained, NodeState::sealed})
    for (const LogPosition applied : {LogPosition{0}, LogPosition{1234}, LogPosition{UINT64_MAX}}) {
      const Echo echo{state, applied, static_cast<std::uint32_t>(1 + applied % 7)};
      CHECK(parse_echo(format_echo(echo)) == echo);
    }
}

TEST_CASE("echo: other texts") {
  struct Row {
    const char* text;
    std::optional<Echo> echo;
  };
  for (const auto& [text, echo] :
       {Row{"", std::nullopt}, Row{"standby", std::nullopt}, Row{"standby ", std::nullopt},
        Row{"standby -1", std::nullopt}, Row{"standby 1x", std::nullopt},
        Row{"standby 18446744073709551616", std::nullopt},
        Row{"standby 7", Echo{net::NodeState::standby, 7, 1}},  // of a release that does not say
        Row{"standby 7 2", Echo{net::NodeState::standby, 7, 2}},
        Row{"standby 7 2 more", Echo{net::NodeState::standby, 7, 2}},
        Row{"standby 7 ", std::nullopt}, Row{"standby 7 more", std::nullopt},
        Row{"retired 7", Echo{net::NodeState::unknown, 7}}}) {
    CAPTURE(text);
    CHECK(parse_echo(text) == echo);
  }
}

TEST_CASE("echo: the board keeps the last one of each node") {
  EchoBoard board;
  CHECK_FALSE(board.find("b"));
  board.note("b", {net::NodeState::standby, 1}, Timestamp{1});
  board.note("b", {net::NodeState::sealed, 2}, Timestamp{5});
  REQUIRE(board.find("b"));
  CHECK(board.find("b")->echo == Echo{net::NodeState::sealed, 2});
  CHECK(board.find("b")->time == Timestamp{5});
  board.clear();
  CHECK_FALSE(board.find("b"));
}

}  // namespace
}  // namespace coffer::server
