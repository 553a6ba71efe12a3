#include "events/codec/fields.h"

#include <fmt/format.h>

namespace coffer::codec {

void put(schema::TextMap* field, const TextMap& map) {
  field->mutable_entries()->Reserve(static_cast<int>(map.size()));
  for (const auto& [key, value] : map) {
    auto* entry = field->add_entries();
    entry->set_key(key);
    entry->set_value(value);
  }
}

void FieldReader::hash(const char* name, const std::string& field, Sha256& out) {
  if (field.size() != out.size()) return wrong_size(name, field.size(), out.size());
  std::memcpy(out.data(), field.data(), field.size());
}

void FieldReader::optional_hash(const char* name, const std::string& field, Bytes& out) {
  if (!field.empty() && field.size() != sizeof(Sha256))
    return wrong_size(name, field.size(), sizeof(Sha256));
  out = to_bytes(field);
}

void FieldReader::text_map(const char* name, schema::TextMap& field, TextMap& out) {
  for (auto& entry : *field.mutable_entries()) {
    if (!out.empty() && out.rbegin()->first >= entry.key())
      return fault(fmt::format("keys of {} are not ascending", name));
    out.emplace_hint(out.end(), std::move(*entry.mutable_key()), std::move(*entry.mutable_value()));
  }
}

void FieldReader::required(const char* name, bool present) {
  if (!present) fault(fmt::format("{} is missing", name));
}

void FieldReader::wrong_size(const char* name, std::size_t is, std::size_t should_be) {
  fault(fmt::format("{} has {} bytes instead of {}", name, is, should_be));
}

bool parse(google::protobuf::MessageLite& message, BytesView bytes) {
  if (bytes.size() > INT_MAX) return false;
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace coffer::codec
