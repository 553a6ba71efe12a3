#include <google/protobuf/descriptor.h>
#include <algorithm>
#include <memory>

#include "events/codec/event_messages.h"
#include "events/codec/event_registry.h"
#include "events/json/json_value.h"
#include "events/json/utf8.h"
#include "events/schema/field_kind.pb.h"

namespace coffer::codec {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// One stored message as a JSON object, guided by the kinds that the schema gives its fields.
class Renderer {
 public:
  explicit Renderer(SecretBytes& out) : json_(out) {}

  void message(const Message& m) {
    const auto& descriptor = *m.GetDescriptor();
    if (&descriptor == schema::TextMap::descriptor())
      return text_map(static_cast<const schema::TextMap&>(m));
    json_.begin_object();
    for (int i = 0; i < descriptor.field_count(); ++i) member(m, *descriptor.field(i));
    json_.end_object();
  }

 private:
  static schema::FieldKind kind_of(const FieldDescriptor& field) {
    return field.options().GetExtension(schema::kind);
  }

  // Absent fields with presence are left out: they mean "unchanged" or "empty".
  void member(const Message& m, const FieldDescriptor& field) {
    const auto& reflection = *m.GetReflection();
    if (field.has_presence() && !reflection.HasField(m, &field)) return;
    std::string_view name = field.name();
    if (kind_of(field) == schema::FIELD_KIND_TIME) name.remove_suffix(3);  // "_ns"
    json_.key(name);
    if (!field.is_repeated()) return value(m, field, -1);
    json_.begin_array();
    for (int i = 0; i < reflection.FieldSize(m, &field); ++i) value(m, field, i);
    json_.end_array();
  }

  // `index` is -1 for a field that is not repeated.
  void value(const Message& m, const FieldDescriptor& field, int index) {
    const auto& r = *m.GetReflection();
    const bool one = index < 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        json_.boolean(one ? r.GetBool(m, &field) : r.GetRepeatedBool(m, &field, index));
        return;
      case FieldDescriptor::CPPTYPE_UINT32:
        json_.unsigned_integer(one ? r.GetUInt32(m, &field)
                                   : r.GetRepeatedUInt32(m, &field, index));
        return;
      case FieldDescriptor::CPPTYPE_UINT64:
        json_.unsigned_integer(one ? r.GetUInt64(m, &field)
                                   : r.GetRepeatedUInt64(m, &field, index));
        return;
      case FieldDescriptor::CPPTYPE_INT64:
        return integer(field, one ? r.GetInt64(m, &field) : r.GetRepeatedInt64(m, &field, index));
      case FieldDescriptor::CPPTYPE_STRING:
        return bytes(field, one ? r.GetString(m, &field) : r.GetRepeatedString(m, &field, index));
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return message(one ? r.GetMessage(m, &field) : r.GetRepeatedMessage(m, &field, index));
      default:
        json_.null();  // the schema has no field of another type
    }
  }

  void integer(const FieldDescriptor& field, std::int64_t number) {
    if (kind_of(field) != schema::FIELD_KIND_TIME) {
      json_.integer(number);
    } else if (number == 0) {
      json_.null();
    } else {
      json_.string(to_rfc3339_nano({number}));
    }
  }

  void bytes(const FieldDescriptor& field, const std::string& content) {
    if (kind_of(field) == schema::FIELD_KIND_TEXT) {
      text(content);
    } else if (kind_of(field) == schema::FIELD_KIND_SEALED) {
      json_.begin_object().key("sealed_bytes").unsigned_integer(content.size()).end_object();
    } else {
      json_.string(to_hex(as_bytes(content)));
    }
  }

  // What is no text for JSON is shown as {"hex": "..."}: different bytes must look different.
  void text(const std::string& content) {
    if (json::is_utf8(content)) {
      json_.string(content);
    } else {
      json_.begin_object().key("hex").string(to_hex(as_bytes(content))).end_object();
    }
  }

  // An object, or a list of pairs when a key cannot be one of JSON's.
  void text_map(const schema::TextMap& map) {
    const bool as_object =
        std::all_of(map.entries().begin(), map.entries().end(),
                    [](const auto& entry) { return json::is_utf8(entry.key()); });
    if (as_object) {
      json_.begin_object();
      for (const auto& entry : map.entries()) {
        json_.key(entry.key());
        text(entry.value());
      }
      json_.end_object();
    } else {
      json_.begin_array();
      for (const auto& entry : map.entries()) message(entry);
      json_.end_array();
    }
  }

  json::Writer json_;
};

}  // namespace

Result<std::string> event_to_json(const EventHead& head, BytesView body) {
  COFFER_TRY(decode_event(head, body));
  COFFER_ASSIGN(const EventRow* row, find_event(head));
  const std::unique_ptr<Message> message(row->prototype().New());
  if (!parse(*message, body)) return corrupt_event(*row, "the body is not a message");
  SecretBytes out;
  Renderer(out).message(*message);
  return std::string(out.expose_text());
}

}  // namespace coffer::codec
