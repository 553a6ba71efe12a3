// Contiguous read buffer of a connection. Whatever was consumed, moved or outgrown is wiped at
// once, because requests carry tokens and secrets. Not thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace coffer::net {

class WipingBuffer {
 public:
  // Grows up to `bytes_max`, never beyond.
  explicit WipingBuffer(std::size_t bytes_max) noexcept;
  WipingBuffer(const WipingBuffer&) = delete;
  WipingBuffer& operator=(const WipingBuffer&) = delete;
  ~WipingBuffer();

  [[nodiscard]] std::string_view content() const noexcept {
    return {data_.get() + begin_, end_ - begin_};
  }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  // Room for the next read; empty when the content has reached the maximum. Content moves.
  [[nodiscard]] std::span<char> prepare();
  void commit(std::size_t size) noexcept { end_ += size; }
  void consume(std::size_t size) noexcept;

 private:
  void compact() noexcept;
  void grow();

  std::size_t bytes_max_;
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace coffer::net
