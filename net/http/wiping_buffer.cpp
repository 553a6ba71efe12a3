#include "net/http/wiping_buffer.h"

#include <algorithm>
#include <cstring>

#include "events/base/secret_bytes.h"

namespace coffer::net {
namespace {

// One TLS record. Most requests fit in far less, but a smaller buffer would split large bodies.
constexpr std::size_t kFirstCapacity = 16 * 1024;

}  // namespace

WipingBuffer::WipingBuffer(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

WipingBuffer::~WipingBuffer() {
  consume(end_ - begin_);
}

std::span<char> WipingBuffer::prepare() {
  if (end_ == capacity_ && begin_ != 0) compact();
  if (end_ == capacity_ && capacity_ < bytes_max_) grow();
  return {data_.get() + end_, capacity_ - end_};
}

void WipingBuffer::consume(std::size_t size) noexcept {
  if (size == 0) return;
  wipe_memory(data_.get() + begin_, size);
  begin_ += size;
  if (begin_ == end_) begin_ = end_ = 0;
}

void WipingBuffer::compact() noexcept {
  const std::size_t size = end_ - begin_;
  std::memmove(data_.get(), data_.get() + begin_, size);
  wipe_memory(data_.get() + size, end_ - size);
  begin_ = 0;
  end_ = size;
}

void WipingBuffer::grow() {
  const std::size_t bigger = std::min(bytes_max_, std::max(kFirstCapacity, capacity_ * 2));
  auto data = std::make_unique_for_overwrite<char[]>(bigger);
  if (end_ != 0) {
    std::memcpy(data.get(), data_.get(), end_);
    wipe_memory(data_.get(), end_);
  }
  data_ = std::move(data);
  capacity_ = bigger;
}

}  // namespace coffer::net
