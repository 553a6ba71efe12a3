#include "net/vault_api/url_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace coffer::net::vault {
namespace {

constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size = 0;  // 0: not UTF-8
};

// Strict: no overlong forms, no surrogates. Precondition: `text` is not empty.
CodePoint front_code_point(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {};
  std::uint32_t value = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return {};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[size] || value > 0x10FFFF) return {};
  if (value >= 0xD800 && value <= 0xDFFF) return {};
  return {value, size};
}

bool shows(std::uint32_t value) noexcept {
  struct Range {
    std::uint32_t first, last;
  };
  static constexpr std::array kHidden = {
      Range{0x00, 0x1F},       Range{0x7F, 0xA0},     Range{0xAD, 0xAD},
      Range{0x0600, 0x0605},   Range{0x061C, 0x061C}, Range{0x06DD, 0x06DD},
      Range{0x070F, 0x070F},   Range{0x1680, 0x1680}, Range{0x180E, 0x180E},
      Range{0x2000, 0x200F},   Range{0x2028, 0x202F}, Range{0x205F, 0x206F},
      Range{0x3000, 0x3000},   Range{0xE000, 0xF8FF}, Range{0xFEFF, 0xFEFF},
      Range{0xFFF0, 0xFFFB},   Range{0xFFFE, 0xFFFF}, Range{0xE0000, 0xE007F},
      Range{0xF0000, 0x10FFFF}};
  return std::none_of(kHidden.begin(), kHidden.end(),
                      [value](Range range) { return value >= range.first && value <= range.last; });
}

template <class Accept>
bool every_code_point(std::string_view text, Accept accept) noexcept {
  while (!text.empty()) {
    const auto point = front_code_point(text);
    if (point.size == 0 || !accept(point.value)) return false;
    text.remove_prefix(point.size);
  }
  return true;
}

template <class Visit>
void for_each_segment(std::string_view path, Visit visit) {
  while (true) {
    const auto slash = path.find('/');
    visit(path.substr(0, slash));
    if (slash == std::string_view::npos) return;
    path.remove_prefix(slash + 1);
  }
}

// The path begins with '/' and no segment but the last is empty, "." or "..".
bool is_clean(std::string_view path) noexcept {
  if (!path.starts_with('/')) return false;
  path.remove_prefix(1);
  while (true) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    if (segment == "." || segment == "..") return false;
    if (slash == std::string_view::npos) return true;
    if (segment.empty()) return false;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

std::optional<std::size_t> percent_decode(std::string_view text, bool plus_is_space,
                                          char* out) noexcept {
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    out[size++] = c;
  }
  return size;
}

bool is_utf8(std::string_view text) noexcept {
  return every_code_point(text, [](std::uint32_t) { return true; });
}

bool is_printable(std::string_view text) noexcept {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  return plain || every_code_point(text, shows);
}

bool has_parent_segment(std::string_view path) noexcept {
  for (auto at = path.find(".."); at != std::string_view::npos; at = path.find("..", at + 1)) {
    const bool begins = at == 0 || path[at - 1] == '/';
    const bool ends = at + 2 == path.size() || path[at + 2] == '/';
    if (begins && ends) return true;
  }
  return false;
}

std::optional<std::string> cleaned_path(std::string_view raw_path) {
  if (is_clean(raw_path)) return std::nullopt;
  std::vector<std::string_view> kept;
  bool folder = true;
  for_each_segment(raw_path, [&](std::string_view segment) {
    folder = segment.empty();
    if (segment.empty() || segment == ".") return;
    if (segment != "..")
      kept.push_back(segment);
    else if (!kept.empty())
      kept.pop_back();
  });
  std::string out;
  out.reserve(raw_path.size() + 1);
  for (const auto segment : kept) out.append(1, '/').append(segment);
  if (folder || kept.empty()) out.push_back('/');
  return out;
}

std::optional<bool> parse_bool(std::string_view text) noexcept {
  static constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "true", "TRUE", "True"};
  static constexpr std::array<std::string_view, 6> kFalse = {"0",     "f",     "F",
                                                             "false", "FALSE", "False"};
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
  return std::nullopt;
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

}  // namespace coffer::net::vault
