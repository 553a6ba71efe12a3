// Document::Arena: the memory of one document. Private to events/json.
// Monotonic, grows in chunks; every chunk is wiped as a whole, since unescaping writes scratch
// bytes past the end of what is kept. Values hold views only, so that none needs a
// destructor.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "events/json/json_value.h"

namespace coffer::json {

struct Document::Arena {
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  // Uninitialised memory; a later reserve() does not move it.
  [[nodiscard]] char* allocate(std::size_t size, std::size_t alignment);
  // `size` bytes to write to, of which commit() keeps the first ones. No other call in between.
  [[nodiscard]] char* reserve(std::size_t size);
  void commit(std::size_t used) noexcept { used_ += used; }

  template <class T>
  [[nodiscard]] std::span<const T> copy(std::span<const T> source) {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
    if (source.empty()) return {};
    auto* target = reinterpret_cast<T*>(allocate(source.size_bytes(), alignof(T)));
    std::uninitialized_copy(source.begin(), source.end(), target);
    return {target, source.size()};
  }
  [[nodiscard]] std::string_view copy(std::string_view text);

  // A value of views that already live in this arena.
  [[nodiscard]] const Value* make(Kind kind, bool flag = false);
  [[nodiscard]] const Value* make(Kind kind, std::string_view text);
  [[nodiscard]] const Value* make(std::span<const Value* const> items);
  [[nodiscard]] const Value* make(std::span<const Member> members);

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size;
  };
  void grow(std::size_t size);
  Value* make_blank(Kind kind);

  std::vector<Chunk> chunks_;
  std::size_t used_ = 0;  // of the last chunk
};

}  // namespace coffer::json
