// SecretBytes: plaintext that is wiped when it dies. Move-only; deliberately without iterators,
// streaming, formatting or comparison operators, so that no log line or actor message printer can
// show it (a type with begin() and end() is printed byte by byte by the actor library).
// Ownership: exactly one owner; share it as std::shared_ptr<const SecretBytes>. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "events/base/bytes.h"

namespace coffer {

class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  explicit SecretBytes(std::size_t size);  // zero-filled
  explicit SecretBytes(BytesView copy_of);
  explicit SecretBytes(std::string_view copy_of);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  [[nodiscard]] SecretBytes clone() const;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  // Views are valid until the next change of this object.
  [[nodiscard]] BytesView expose() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::string_view expose_text() const noexcept;
  [[nodiscard]] std::span<std::uint8_t> writable() noexcept { return {data_, size_}; }
  void append(BytesView more);
  void append(std::string_view more) { append(as_bytes(more)); }
  void append(char c);
  void truncate(std::size_t size) noexcept;  // the cut part is wiped
  void reserve(std::size_t capacity);
  void wipe() noexcept;  // wipes and becomes empty
  // Constant time for equal sizes.
  [[nodiscard]] bool equals(BytesView other) const noexcept;

 private:
  void grow(std::size_t capacity);

  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Overwrites memory in a way that the optimiser may not drop.
void wipe_memory(void* data, std::size_t size) noexcept;
// Constant time for equal sizes; the sizes themselves are not hidden.
[[nodiscard]] bool equal_constant_time(BytesView a, BytesView b) noexcept;

}  // namespace coffer
