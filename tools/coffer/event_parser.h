// The server's event JSON back into domain events, so that the tool can apply the server's own
// rules to them. Sealed values come as lengths only; they are no part of any state.
#pragma once

#include "events/codec/event_codec.h"
#include "events/json/json_value.h"

namespace coffer::cli {

// Errors: corrupt (a body that is not this event's), unsupported (an event this version does not
// know).
[[nodiscard]] Result<codec::AnyEvent> parse_event(std::string_view name, const json::Value& body);

}  // namespace coffer::cli
