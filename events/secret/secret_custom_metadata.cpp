// Limits of custom metadata with the texts clients test for. Declared in secret_decider.h.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "events/secret/secret_decider.h"

namespace coffer::secret {
namespace {

constexpr std::size_t kKeysMax = 64;
constexpr std::size_t kKeyBytesMax = 128;
constexpr std::size_t kValueBytesMax = 512;
// Longer keys are cut where an error quotes them: the text goes back over the network.
constexpr std::size_t kQuotedBytesMax = 2 * kKeyBytesMax;

struct CodePointRange {
  char32_t first;
  char32_t last;
};

// What does not show: controls, spaces other than U+0020, format characters, surrogates and
// private use. Code points that Unicode has not assigned are let through; they do no harm here.
constexpr std::array kUnprintable = {
    CodePointRange{0x0000, 0x001F},   CodePointRange{0x007F, 0x00A0},
    CodePointRange{0x00AD, 0x00AD},   CodePointRange{0x0600, 0x0605},
    CodePointRange{0x061C, 0x061C},   CodePointRange{0x06DD, 0x06DD},
    CodePointRange{0x070F, 0x070F},   CodePointRange{0x0890, 0x0891},
    CodePointRange{0x08E2, 0x08E2},   CodePointRange{0x1680, 0x1680},
    CodePointRange{0x180E, 0x180E},   CodePointRange{0x2000, 0x200F},
    CodePointRange{0x2028, 0x202F},   CodePointRange{0x205F, 0x206F},
    CodePointRange{0x3000, 0x3000},   CodePointRange{0xD800, 0xF8FF},
    CodePointRange{0xFEFF, 0xFEFF},   CodePointRange{0xFFF0, 0xFFFB},
    CodePointRange{0xFFFE, 0xFFFF},   CodePointRange{0x110BD, 0x110BD},
    CodePointRange{0x110CD, 0x110CD}, CodePointRange{0x13430, 0x1343F},
    CodePointRange{0x1BCA0, 0x1BCA3}, CodePointRange{0x1D173, 0x1D17A},
    CodePointRange{0xE0000, 0xE007F}, CodePointRange{0xF0000, 0x10FFFF},
};

struct CodePoint {
  char32_t value = 0;
  std::size_t size = 1;  // in bytes
  bool valid = false;
};

// Strict UTF-8: no overlong forms, no surrogates. Precondition: `text` is not empty.
CodePoint front_code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {};
  char32_t value = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return {};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
    return {};
  }
  return {value, size, true};
}

bool is_printable(CodePoint point) {
  return point.valid && std::none_of(kUnprintable.begin(), kUnprintable.end(), [&](auto range) {
           return point.value >= range.first && point.value <= range.last;
         });
}

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const auto point = front_code_point(text);
    if (!is_printable(point)) return false;
    text.remove_prefix(point.size);
  }
  return true;
}

std::string escaped(CodePoint point, unsigned char lead) {
  if (!point.valid) return fmt::format("\\x{:02x}", lead);
  switch (point.value) {
    case U'\n':
      return "\\n";
    case U'\r':
      return "\\r";
    case U'\t':
      return "\\t";
    default:
      break;
  }
  const auto value = static_cast<std::uint32_t>(point.value);
  if (value < 0x80) return fmt::format("\\x{:02x}", value);
  return value < 0x10000 ? fmt::format("\\u{:04x}", value) : fmt::format("\\U{:08x}", value);
}

// Go's %q, as clients know the text.
std::string quoted(std::string_view text) {
  const bool cut = text.size() > kQuotedBytesMax;
  text = text.substr(0, kQuotedBytesMax);
  std::string out = "\"";
  while (!text.empty()) {
    const auto point = front_code_point(text);
    if (!is_printable(point)) {
      out += escaped(point, static_cast<unsigned char>(text.front()));
    } else {
      if (point.value == U'"' || point.value == U'\\') out += '\\';
      out += text.substr(0, point.size);
    }
    text.remove_prefix(point.size);
  }
  return out + (cut ? "...\"" : "\"");
}

Error refuse(std::string_view why) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("custom_metadata validation failed: {}", why));
}

Result<void> check_entry(const std::string& key, const std::string& value) {
  if (key.empty() || key.size() > kKeyBytesMax) {
    return refuse(fmt::format("length of key {} is {} but must be 0 < len(key) <= {}", quoted(key),
                              key.size(), kKeyBytesMax));
  }
  if (value.empty() || value.size() > kValueBytesMax) {
    return refuse(fmt::format("length of value for key {} is {} but must be 0 < len(value) <= {}",
                              quoted(key), value.size(), kValueBytesMax));
  }
  if (!is_printable(key)) {
    return refuse(fmt::format("key {} ({}) contains unprintable characters", quoted(key), key));
  }
  if (!is_printable(value)) {
    return refuse(fmt::format("value for key {} contains unprintable characters", quoted(key)));
  }
  return {};
}

}  // namespace

Result<void> check_custom_metadata(const CustomMetadata& payload) {
  if (payload.size() > kKeysMax) {
    return refuse(
        fmt::format("payload must contain at most {} keys, provided {}", kKeysMax, payload.size()));
  }
  for (const auto& [key, value] : payload) COFFER_TRY(check_entry(key, value));
  return {};
}

}  // namespace coffer::secret
