// THE table of event types. A row is a promise: its type number and name are never reused, and what
// was ever stored under it decodes for ever. Adding an event: one row here, one pair of overloads
// in event_messages.h, one message in events/schema, one golden file (tests/golden/events).
#pragma once

#include <span>

#include "events/codec/event_codec.h"

namespace google::protobuf {
class Message;
}

namespace coffer::codec {

struct EventRow {
  std::uint32_t type;
  std::string_view name;
  std::uint32_t schema_version;            // the one written; older ones are promoted when read
  std::size_t aggregate;                   // alternative of AnyEvent
  std::size_t alternative;                 // alternative of the aggregate's Event
  Bytes (*encode)(const AnyEvent& event);  // precondition: `event` is this row's
  Result<AnyEvent> (*decode)(BytesView body);
  const google::protobuf::Message& (*prototype)();  // of the stored message
};

// In ascending order of type.
[[nodiscard]] std::span<const EventRow> event_registry() noexcept;

// The row for a stored event; `corrupt` for a type or schema version that is not known.
[[nodiscard]] Result<const EventRow*> find_event(const EventHead& head);

// "event type 102 (secret.version_written): data_key has 3 bytes instead of 16"
[[nodiscard]] Error corrupt_event(const EventRow& row, const std::string& what);

}  // namespace coffer::codec
