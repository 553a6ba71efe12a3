// Base64 of envelope_cipher.h (RFC 4648, 4): standard alphabet, padding required, no white space,
// and the unused bits of the last character must be zero, so that every value has exactly one text.
#include <array>

#include "hsm/envelope_cipher.h"

namespace coffer::hsm {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNotInAlphabet = 0xff;

constexpr std::array<std::uint8_t, 256> kSextets = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(kNotInAlphabet);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    table[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return table;
}();

char letter(std::uint32_t group, int shift) noexcept {
  return kAlphabet[(group >> shift) & 63];
}

}  // namespace

std::string base64_encode(BytesView data) {
  std::string out((data.size() + 2) / 3 * 4, '=');
  std::size_t at = 0;
  for (; data.size() >= 3; data = data.subspan(3)) {
    const std::uint32_t group = data[0] << 16 | data[1] << 8 | data[2];
    for (int shift : {18, 12, 6, 0}) out[at++] = letter(group, shift);
  }
  if (!data.empty()) {
    const std::uint32_t group = data[0] << 16 | (data.size() == 2 ? data[1] << 8 : 0);
    out[at++] = letter(group, 18);
    out[at++] = letter(group, 12);
    if (data.size() == 2) out[at] = letter(group, 6);
  }
  return out;
}

std::optional<SecretBytes> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  SecretBytes out(text.size() * 3 / 4);
  auto bytes = out.writable();
  std::size_t at = 0;
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (char c : text) {
    const std::uint8_t sextet = kSextets[static_cast<std::uint8_t>(c)];
    if (sextet == kNotInAlphabet) return std::nullopt;
    bits = (bits << 6 | sextet) & 0xffff;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    bytes[at++] = static_cast<std::uint8_t>(bits >> bit_count);
  }
  const bool leftover_is_zero = (bits & ((1u << bit_count) - 1)) == 0;
  if (!leftover_is_zero) return std::nullopt;
  return out;
}

}  // namespace coffer::hsm
