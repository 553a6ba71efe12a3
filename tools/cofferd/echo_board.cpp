#include "tools/cofferd/echo_board.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace coffer::server {

std::string format_echo(const Echo& echo) {
  return fmt::format("{} {} {}", net::to_text(echo.state), echo.applied, echo.record_version);
}

std::optional<Echo> parse_echo(std::string_view text) {
  using net::NodeState;
  constexpr std::array kStates = {NodeState::unknown, NodeState::active, NodeState::standby,
                                  NodeState::drained, NodeState::sealed};
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  Echo echo;
  const auto state = text.substr(0, space);
  for (const auto known : kStates)
    if (state == net::to_text(known)) echo.state = known;
  const auto number = text.substr(space + 1);
  const auto* const last = number.data() + number.size();
  const auto [end, error] = std::from_chars(number.data(), last, echo.applied);
  if (error != std::errc{} || (end != last && *end != ' ')) return std::nullopt;
  if (end == last) return echo;
  const auto [version_end, wrong] = std::from_chars(end + 1, last, echo.record_version);
  if (wrong != std::errc{} || (version_end != last && *version_end != ' ')) return std::nullopt;
  return echo;
}

void EchoBoard::note(const std::string& node, const Echo& echo, Timestamp now) {
  const std::lock_guard lock(mutex_);
  heard_.insert_or_assign(node, Heard{echo, now});
}

std::optional<EchoBoard::Heard> EchoBoard::find(const std::string& node) const {
  const std::lock_guard lock(mutex_);
  const auto found = heard_.find(node);
  return found == heard_.end() ? std::nullopt : std::optional<Heard>(found->second);
}

void EchoBoard::clear() {
  const std::lock_guard lock(mutex_);
  heard_.clear();
}

}  // namespace coffer::server
