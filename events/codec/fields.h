// Building blocks of the codecs: domain fields <-> fields of a schema message. Internal to codec/.
// What encoding writes, decoding reads back; everything else that a message could hold is a fault.
#pragma once

#include <climits>
#include <cstring>
#include <map>
#include <optional>
#include <string>

#include <google/protobuf/message.h>

#include "events/base/bytes.h"
#include "events/base/check.h"
#include "events/base/ids.h"
#include "events/base/time.h"
#include "events/schema/text_map.pb.h"

namespace coffer::codec {

using TextMap = std::map<std::string, std::string>;

inline void put(std::string* field, BytesView bytes) {
  field->assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}
template <class Tag>
void put(std::string* field, const Id128<Tag>& id) {
  put(field, id.view());
}
void put(schema::TextMap* field, const TextMap& map);

[[nodiscard]] inline Bytes to_bytes(const std::string& field) {
  return {field.begin(), field.end()};
}

// Reads checked fields of one message and remembers the first fault; what was read is only to be
// used when there is none.
class FieldReader {
 public:
  template <class Tag>
  void id(const char* name, const std::string& field, Id128<Tag>& out) {
    if (field.size() != out.bytes.size()) return wrong_size(name, field.size(), out.bytes.size());
    std::memcpy(out.bytes.data(), field.data(), field.size());
  }
  void hash(const char* name, const std::string& field, Sha256& out);
  // A hash or nothing.
  void optional_hash(const char* name, const std::string& field, Bytes& out);
  void text_map(const char* name, schema::TextMap& field, TextMap& out);
  // A message that is always written.
  void required(const char* name, bool present);
  void fault(std::string what) {
    if (!fault_) fault_ = std::move(what);
  }

  [[nodiscard]] const std::optional<std::string>& first_fault() const noexcept { return fault_; }

 private:
  void wrong_size(const char* name, std::size_t is, std::size_t should_be);

  std::optional<std::string> fault_;
};

template <class Message>
[[nodiscard]] Bytes serialise(const Message& message) {
  const std::size_t size = message.ByteSizeLong();
  COFFER_CHECK(size <= INT_MAX);  // the limits on requests are far below
  Bytes out(size);
  message.SerializeWithCachedSizesToArray(out.data());
  return out;
}

// The calling thread's empty message of a type, for what is encoded with every request: it keeps
// its allocations from use to use. Not for messages with anything that must be wiped.
template <class Message>
[[nodiscard]] Message& reused() {
  thread_local Message message;
  message.Clear();
  return message;
}
// After the use of a message of reused(): what a large one holds is freed.
template <class Message>
void give_back(Message& message, std::size_t serialised_bytes) {
  constexpr std::size_t kKeptBytesMax = 64u << 10;
  if (serialised_bytes > kKeptBytesMax) message = Message{};
}
template <class Message>
[[nodiscard]] Bytes serialise_reused(Message& message) {
  Bytes out = serialise(message);
  give_back(message, out.size());
  return out;
}

[[nodiscard]] bool parse(google::protobuf::MessageLite& message, BytesView bytes);

}  // namespace coffer::codec
