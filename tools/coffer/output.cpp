#include "tools/coffer/output.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>

#include <fmt/format.h>

#include "events/json/utf8.h"

namespace coffer::cli {
namespace {

std::size_t sequence_length(unsigned char lead) noexcept {
  if (lead < 0x80) return 1;
  if (lead < 0xE0) return 2;
  return lead < 0xF0 ? 3 : 4;
}

// Precondition: one valid UTF-8 sequence.
std::uint32_t code_point(std::string_view sequence) noexcept {
  const auto lead = static_cast<unsigned char>(sequence.front());
  if (sequence.size() == 1) return lead;
  std::uint32_t point = lead & (0xFFU >> (sequence.size() + 1));
  for (const char c : sequence.substr(1)) point = (point << 6) | (static_cast<unsigned>(c) & 0x3F);
  return point;
}

bool is_hidden(std::uint32_t point) noexcept {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0xAD || point == 0x61C ||
         (point >= 0x200B && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
         (point >= 0x2060 && point <= 0x206F) || point == 0xFEFF;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text.front());
    const auto sequence = text.substr(0, sequence_length(lead));
    if (!json::is_utf8(sequence)) {
      out += fmt::format("\\x{:02x}", lead);
      text.remove_prefix(1);
      continue;
    }
    const auto point = code_point(sequence);
    if (is_hidden(point))
      out += fmt::format("\\u{:04x}", point);
    else
      out += sequence;
    text.remove_prefix(sequence.size());
  }
  return out;
}

std::size_t width_of(std::string_view text) noexcept {
  std::size_t width = 0;
  for (const char c : text)
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++width;
  return width;
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void print_json(const SecretBytes& json) {
  print(printable(json.expose_text()));
  print("\n");
}

bool flush_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  say_warning("the output could not be written");
  return false;
}

bool on_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

void say_error(const Error& error) {
  std::fprintf(stderr, "coffer: %s\n", error.message.c_str());
}

void say_progress(std::string_view text) {
  std::fprintf(stderr, "coffer: %.*s\n", static_cast<int>(text.size()), text.data());
}

void say_warning(std::string_view text) {
  std::fprintf(stderr, "coffer: warning: %.*s\n", static_cast<int>(text.size()), text.data());
}

}  // namespace coffer::cli
