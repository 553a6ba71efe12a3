#include "events/base/bytes.h"

#include "events/base/check.h"

namespace coffer {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <class Int>
void append_big_endian(Bytes& out, Int value) {
  for (int shift = (static_cast<int>(sizeof(Int)) - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

template <class Int>
Int read_big_endian(BytesView bytes, std::size_t offset) {
  COFFER_CHECK(offset + sizeof(Int) <= bytes.size());
  Int value = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i) value = (value << 8) | bytes[offset + i];
  return value;
}

}  // namespace

std::string to_hex(BytesView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (auto byte : bytes) {
    out.push_back(kHexDigits[byte >> 4]);
    out.push_back(kHexDigits[byte & 15]);
  }
  return out;
}

Bytes from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return {};
  Bytes out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_value(hex[i]);
    const int low = hex_value(hex[i + 1]);
    if (high < 0 || low < 0) return {};
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

void append_u32(Bytes& out, std::uint32_t value) {
  append_big_endian(out, value);
}
void append_u64(Bytes& out, std::uint64_t value) {
  append_big_endian(out, value);
}
std::uint32_t read_u32(BytesView bytes, std::size_t offset) {
  return read_big_endian<std::uint32_t>(bytes, offset);
}
std::uint64_t read_u64(BytesView bytes, std::size_t offset) {
  return read_big_endian<std::uint64_t>(bytes, offset);
}
void append(Bytes& out, BytesView more) {
  out.insert(out.end(), more.begin(), more.end());
}

}  // namespace coffer
