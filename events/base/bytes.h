// Byte vectors and views for bytes that are NOT secret (ciphertext, hashes, keys of the store).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coffer {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;
using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] inline BytesView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(BytesView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] std::string to_hex(BytesView bytes);
// Empty when `hex` has an odd length or a character that is not a hex digit.
[[nodiscard]] std::vector<std::uint8_t> from_hex(std::string_view hex);

// Big-endian integers: keys of the store sort by number this way.
void append_u32(Bytes& out, std::uint32_t value);
void append_u64(Bytes& out, std::uint64_t value);
[[nodiscard]] std::uint32_t read_u32(BytesView bytes, std::size_t offset);
[[nodiscard]] std::uint64_t read_u64(BytesView bytes, std::size_t offset);
void append(Bytes& out, BytesView more);

}  // namespace coffer
