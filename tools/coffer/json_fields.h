// Reads checked members of one JSON object and remembers the first fault; what was read is only to
// be used when there is none. The shapes are those of the server's event JSON (events/codec).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/base/result.h"
#include "events/base/time.h"
#include "events/json/json_value.h"

namespace coffer::cli {

// RFC 3339 in UTC with `Z` and at most nine digits of a fraction, as the server writes it.
[[nodiscard]] std::optional<Timestamp> parse_rfc3339(std::string_view text);

class JsonFields {
 public:
  using Fault = std::optional<std::string>;

  // `fault` is shared by an object and its nested ones.
  JsonFields(const json::Value& object, Fault& fault) : object_(object), fault_(fault) {}

  [[nodiscard]] bool has(std::string_view name) const { return object_.find(name) != nullptr; }

  // A missing member is a fault.
  void read(std::string_view name, std::string& out);
  void read(std::string_view name, std::uint64_t& out);
  void read(std::string_view name, std::uint32_t& out);
  void read(std::string_view name, bool& out);
  void read(std::string_view name, Timestamp& out);  // null: not set
  void read(std::string_view name, Seconds& out);
  void read(std::string_view name, std::vector<std::uint64_t>& out);
  void read(std::string_view name, std::vector<std::string>& out);
  void read(std::string_view name, Sha256& out) { read_bytes(name, out.data(), out.size()); }
  template <class Tag>
  void read(std::string_view name, Id128<Tag>& out) {
    read_bytes(name, out.bytes.data(), out.bytes.size());
  }
  using TextMap = std::map<std::string, std::string>;
  void read(std::string_view name, TextMap& out);  // absent: empty
  // Absent stays unset.
  template <class T>
  void read(std::string_view name, std::optional<T>& out) {
    if (has(name)) read(name, out.emplace());
  }
  template <class Tag>
  void read(std::string_view name, std::vector<Id128<Tag>>& out) {
    std::vector<std::string> texts;
    read(name, texts);
    for (const auto& text : texts) {
      const auto bytes = from_hex(text);
      if (bytes.size() != 16) return wrong(name);
      out.push_back(Id128<Tag>::from_bytes(bytes));
    }
  }
  // The objects of the list below a member.
  [[nodiscard]] std::vector<JsonFields> objects(std::string_view name);
  // The object below a member.
  [[nodiscard]] JsonFields object(std::string_view name);

 private:
  const json::Value* find(std::string_view name);
  void wrong(std::string_view name);
  void read_bytes(std::string_view name, std::uint8_t* out, std::size_t size);

  const json::Value& object_;
  Fault& fault_;
};

}  // namespace coffer::cli
