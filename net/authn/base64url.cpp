#include "net/authn/base64url.h"

#include <array>

namespace coffer::authn {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNotInAlphabet = 0xff;

constexpr std::array<std::uint8_t, 256> kSextets = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(kNotInAlphabet);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    table[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return table;
}();

}  // namespace

std::string base64url_encode(BytesView data) {
  std::string out;
  out.reserve((data.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (const std::uint8_t byte : data) {
    bits = (bits << 8 | byte) & 0xffff;
    bit_count += 8;
    for (; bit_count >= 6; bit_count -= 6) out += kAlphabet[bits >> (bit_count - 6) & 63];
  }
  if (bit_count > 0) out += kAlphabet[bits << (6 - bit_count) & 63];
  return out;
}

std::optional<Bytes> base64url_decode(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const std::uint8_t sextet = kSextets[static_cast<std::uint8_t>(c)];
    if (sextet == kNotInAlphabet) return std::nullopt;
    bits = (bits << 6 | sextet) & 0xffff;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    out.push_back(static_cast<std::uint8_t>(bits >> bit_count));
  }
  const bool leftover_is_zero = (bits & ((1u << bit_count) - 1)) == 0;
  if (!leftover_is_zero) return std::nullopt;
  return out;
}

}  // namespace coffer::authn
