// JSON as the vault needs it: numbers keep the text they were written with (1.0, 30-digit numbers),
// and everything parsed lives in one arena that is wiped when the Document dies, because a body may
// hold secrets. Parsing and validation is simdjson's; this is only the tree above it, since no
// packaged library keeps number text and wipes its memory.
// Ownership: Values live as long as their Document. Threads: a Document is used by one at a time.
// Source: RFC 8259; merge patch: RFC 7386.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "events/base/result.h"
#include "events/base/secret_bytes.h"

namespace coffer::json {

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

class Value;

struct Member {
  std::string_view key;  // unescaped
  const Value* value;
};

class Value {
 public:
  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_null() const noexcept { return kind_ == Kind::null; }
  [[nodiscard]] bool is_object() const noexcept { return kind_ == Kind::object; }
  [[nodiscard]] bool is_array() const noexcept { return kind_ == Kind::array; }
  [[nodiscard]] bool is_string() const noexcept { return kind_ == Kind::string; }
  // Each accessor is empty / false for another kind. The keys of an object are unique.
  [[nodiscard]] bool boolean() const noexcept { return kind_ == Kind::boolean && flag_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }  // or a raw number
  [[nodiscard]] std::span<const Value* const> items() const noexcept { return items_; }
  [[nodiscard]] std::span<const Member> members() const noexcept { return members_; }
  // Null when absent or not an object.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept;

 private:
  friend class Document;
  Kind kind_ = Kind::null;
  bool flag_ = false;
  std::string_view text_;
  std::span<const Value* const> items_;
  std::span<const Member> members_;
};

struct ParseLimits {
  std::size_t depth_max = 64;
  std::size_t nodes_max = 100'000;  // values and keys together
  std::size_t strings_max = 0;      // strings and keys together; 0 = not limited
  bool unique_keys = false;         // duplicate keys are refused, at every level
};

class Document {
 public:
  // Parses the first JSON value of `text`; what follows it must be white space. Of duplicate keys
  // the last wins (in its own place), unless the limits refuse them. Errors: invalid_argument
  // (broken JSON or UTF-8), too_large (a limit); the message names the kind of fault and never
  // quotes the input.
  static Result<Document> parse(std::string_view text, const ParseLimits& limits = {});
  // An empty document, for building.
  Document();
  ~Document();
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;

  [[nodiscard]] const Value& root() const noexcept { return *root_; }
  void set_root(const Value* value) noexcept { root_ = value; }

  // Builders: the result lives in this document's arena; strings and spans are copied into it,
  // pointed-to Values are not and must live in this document.
  [[nodiscard]] const Value* make_null();
  [[nodiscard]] const Value* make_bool(bool flag);
  [[nodiscard]] const Value* make_number(std::string_view raw);
  [[nodiscard]] const Value* make_string(std::string_view text);
  [[nodiscard]] const Value* make_array(std::span<const Value* const> items);
  [[nodiscard]] const Value* make_object(std::span<const Member> members);
  // Deep copy of a value of another document.
  [[nodiscard]] const Value* adopt(const Value& value);

 private:
  struct Arena;
  friend class TreeBuilder;
  std::unique_ptr<Arena> arena_;
  const Value* root_ = nullptr;
};

// RFC 7386: what `target` becomes under `patch`; `target` may be null (absent). The result lives in
// `document`.
[[nodiscard]] const Value* merge_patch(Document& document, const Value* target, const Value& patch);

// Compact text of a value; numbers as they were written. Object members keep their order.
void write(const Value& value, SecretBytes& out);
// `text` as a JSON string with quotes; only what RFC 8259 demands is escaped, plus U+007F.
void write_string(std::string_view text, SecretBytes& out);

// Streams an object or array into SecretBytes, commas handled. Misuse (key without value) is a
// broken invariant.
class Writer {
 public:
  explicit Writer(SecretBytes& out) : out_(out) {}
  Writer& begin_object();
  Writer& end_object();
  Writer& begin_array();
  Writer& end_array();
  Writer& key(std::string_view name);
  Writer& string(std::string_view text);
  Writer& integer(std::int64_t value);
  Writer& unsigned_integer(std::uint64_t value);
  Writer& boolean(bool flag);
  Writer& null();
  Writer& raw(std::string_view json_text);  // already valid JSON
  Writer& value(const Value& value);

 private:
  void before_value();

  SecretBytes& out_;
  std::uint64_t nonempty_ = 0;  // one bit a level: something was written there
  unsigned depth_ = 0;          // at most 64
  bool after_key_ = false;
};

}  // namespace coffer::json
