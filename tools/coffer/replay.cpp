#include "tools/coffer/replay.h"

#include <fmt/format.h>

#include "tools/coffer/event_parser.h"

namespace coffer::cli {
namespace {

template <class State, class Event>
Result<void> evolve_into(std::optional<State>& state, const Event& event) {
  COFFER_ASSIGN(state, evolve(std::move(state).value_or(State{}), event));
  return {};
}

struct Applier {
  ReplayedState& state;

  Result<void> operator()(const secret::Event& e) const { return evolve_into(state.secret, e); }
  Result<void> operator()(const token::Event& e) const { return evolve_into(state.token, e); }
  Result<void> operator()(const tenant::Event& e) const { return evolve_into(state.tenant, e); }
  Result<void> operator()(const policy::Event& e) const { return evolve_into(state.policies, e); }
  Result<void> operator()(const keyring::Event& e) const { return evolve_into(state.keyring, e); }
  // Stand in the streams of the commands that caused them, so that no stream holds all of them.
  Result<void> operator()(const identity::Event&) const { return {}; }
};

}  // namespace

Result<void> apply(ReplayedState& state, const EventRecord& record) {
  const auto at = [&](const Error& error) {
    return fail(error.code, fmt::format("record {}: {}", record.sequence, error.message));
  };
  for (const auto& item : record.events) {
    const auto event = parse_event(item.name, *item.body);
    if (!event) return at(event.error());
    const auto applied = std::visit(Applier{state}, *event);
    if (!applied) return at(applied.error());
  }
  ++state.records;
  state.sequence = record.sequence;
  state.time = record.time;
  return {};
}

}  // namespace coffer::cli
