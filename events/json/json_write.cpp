#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

#include "events/json/json_value.h"
#include "events/json/utf8.h"

namespace coffer::json {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

constexpr std::array<bool, 256> make_needs_escape() {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = true;
  table['"'] = table['\\'] = table[0x7F] = true;
  return table;
}
constexpr std::array<bool, 256> kNeedsEscape = make_needs_escape();

void write_escape(char c, SecretBytes& out) {
  switch (c) {
    case '"':
      out.append(std::string_view("\\\""));
      return;
    case '\\':
      out.append(std::string_view("\\\\"));
      return;
    case '\b':
      out.append(std::string_view("\\b"));
      return;
    case '\f':
      out.append(std::string_view("\\f"));
      return;
    case '\n':
      out.append(std::string_view("\\n"));
      return;
    case '\r':
      out.append(std::string_view("\\r"));
      return;
    case '\t':
      out.append(std::string_view("\\t"));
      return;
    default:
      break;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  const char code[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 0xF]};
  out.append(std::string_view(code, sizeof code));
}

// The size of the UTF-8 character that `text` begins with; 0 if it begins with none.
std::size_t first_character(std::string_view text) noexcept {
  for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size) {
    if (is_utf8(text.substr(0, size))) return size;
  }
  return 0;
}

void write_escaped(std::string_view text, SecretBytes& out) {
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!kNeedsEscape[static_cast<unsigned char>(text[at])]) continue;
    out.append(text.substr(done, at - done));
    write_escape(text[at], out);
    done = at + 1;
  }
  out.append(text.substr(done));
}

}  // namespace

void write_string(std::string_view text, SecretBytes& out) {
  out.append('"');
  if (is_utf8(text)) {
    write_escaped(text, out);
  } else {
    // Only a path or header of a request comes here: JSON must not carry its stray bytes on.
    while (!text.empty()) {
      const std::size_t size = first_character(text);
      if (size == 0)
        out.append(kReplacement);
      else
        write_escaped(text.substr(0, size), out);
      text.remove_prefix(size == 0 ? 1 : size);
    }
  }
  out.append('"');
}

void write(const Value& value, SecretBytes& out) {
  switch (value.kind()) {
    case Kind::null:
      out.append(std::string_view("null"));
      return;
    case Kind::boolean:
      out.append(std::string_view(value.boolean() ? "true" : "false"));
      return;
    case Kind::number:
      out.append(value.text());
      return;
    case Kind::string:
      write_string(value.text(), out);
      return;
    case Kind::array: {
      out.append('[');
      bool first = true;
      for (const Value* item : value.items()) {
        if (!std::exchange(first, false)) out.append(',');
        write(*item, out);
      }
      out.append(']');
      return;
    }
    case Kind::object: {
      out.append('{');
      bool first = true;
      for (const Member& member : value.members()) {
        if (!std::exchange(first, false)) out.append(',');
        write_string(member.key, out);
        out.append(':');
        write(*member.value, out);
      }
      out.append('}');
      return;
    }
  }
}

void Writer::before_value() {
  if (std::exchange(after_key_, false) || depth_ == 0) return;
  const std::uint64_t level = std::uint64_t{1} << (depth_ - 1);
  if ((nonempty_ & level) != 0) out_.append(',');
  nonempty_ |= level;
}

Writer& Writer::begin_object() {
  before_value();
  COFFER_CHECK(depth_ < 64);
  nonempty_ &= ~(std::uint64_t{1} << depth_++);
  out_.append('{');
  return *this;
}

Writer& Writer::end_object() {
  COFFER_CHECK(depth_ > 0 && !after_key_);
  --depth_;
  out_.append('}');
  return *this;
}

Writer& Writer::begin_array() {
  before_value();
  COFFER_CHECK(depth_ < 64);
  nonempty_ &= ~(std::uint64_t{1} << depth_++);
  out_.append('[');
  return *this;
}

Writer& Writer::end_array() {
  COFFER_CHECK(depth_ > 0 && !after_key_);
  --depth_;
  out_.append(']');
  return *this;
}

Writer& Writer::key(std::string_view name) {
  COFFER_CHECK(depth_ > 0 && !after_key_);
  before_value();
  write_string(name, out_);
  out_.append(':');
  after_key_ = true;
  return *this;
}

Writer& Writer::string(std::string_view text) {
  before_value();
  write_string(text, out_);
  return *this;
}

Writer& Writer::integer(std::int64_t value) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return raw({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

Writer& Writer::unsigned_integer(std::uint64_t value) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return raw({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

Writer& Writer::boolean(bool flag) {
  return raw(flag ? "true" : "false");
}
Writer& Writer::null() {
  return raw("null");
}

Writer& Writer::raw(std::string_view json_text) {
  before_value();
  out_.append(json_text);
  return *this;
}

Writer& Writer::value(const Value& value) {
  before_value();
  write(value, out_);
  return *this;
}

}  // namespace coffer::json
