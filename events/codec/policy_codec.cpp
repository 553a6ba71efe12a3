#include "events/codec/event_messages.h"

namespace coffer::codec {

schema::PolicyWritten to_message(const policy::PolicyWritten& event) {
  schema::PolicyWritten m;
  m.set_name(event.name);
  m.set_text(event.text);
  m.set_modified_time_ns(event.modified_time.ns);
  return m;
}

void from_message(schema::PolicyWritten& m, policy::PolicyWritten& event, FieldReader&) {
  event.name = std::move(*m.mutable_name());
  event.text = std::move(*m.mutable_text());
  event.modified_time = {m.modified_time_ns()};
}

schema::PolicyRemoved to_message(const policy::PolicyRemoved& event) {
  schema::PolicyRemoved m;
  m.set_name(event.name);
  return m;
}

void from_message(schema::PolicyRemoved& m, policy::PolicyRemoved& event, FieldReader&) {
  event.name = std::move(*m.mutable_name());
}

}  // namespace coffer::codec
