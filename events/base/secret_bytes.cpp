#include "events/base/secret_bytes.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace coffer {

void wipe_memory(void* data, std::size_t size) noexcept {
  if (size != 0) explicit_bzero(data, size);
}

bool equal_constant_time(BytesView a, BytesView b) noexcept {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = difference | (a[i] ^ b[i]);
  return difference == 0;
}

SecretBytes::SecretBytes(std::size_t size) {
  grow(size);
  if (size != 0) std::memset(data_, 0, size);
  size_ = size;
}

SecretBytes::SecretBytes(BytesView copy_of) {
  append(copy_of);
}
SecretBytes::SecretBytes(std::string_view copy_of) {
  append(copy_of);
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe();
    delete[] data_;
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

SecretBytes::~SecretBytes() {
  wipe();
  delete[] data_;
}

SecretBytes SecretBytes::clone() const {
  return SecretBytes(expose());
}

std::string_view SecretBytes::expose_text() const noexcept {
  return as_text(expose());
}

void SecretBytes::append(BytesView more) {
  if (more.empty()) return;
  if (size_ + more.size() > capacity_) grow(std::max(size_ + more.size(), capacity_ * 2));
  std::memcpy(data_ + size_, more.data(), more.size());
  size_ += more.size();
}

void SecretBytes::append(char c) {
  append(std::string_view(&c, 1));
}

void SecretBytes::truncate(std::size_t size) noexcept {
  if (size >= size_) return;
  wipe_memory(data_ + size, size_ - size);
  size_ = size;
}

void SecretBytes::reserve(std::size_t capacity) {
  if (capacity > capacity_) grow(capacity);
}

void SecretBytes::wipe() noexcept {
  wipe_memory(data_, capacity_);
  size_ = 0;
}

bool SecretBytes::equals(BytesView other) const noexcept {
  return equal_constant_time(expose(), other);
}

void SecretBytes::grow(std::size_t capacity) {
  if (capacity <= capacity_) return;
  auto* bigger = new std::uint8_t[capacity];
  if (size_ != 0) std::memcpy(bigger, data_, size_);
  wipe_memory(data_, capacity_);
  delete[] data_;
  data_ = bigger;
  capacity_ = capacity;
}

}  // namespace coffer
