#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "net/http/wiping_buffer.h"

namespace coffer::net {
namespace {

void add(WipingBuffer& buffer, std::string_view text) {
  const auto room = buffer.prepare();
  REQUIRE(room.size() >= text.size());
  std::memcpy(room.data(), text.data(), text.size());
  buffer.commit(text.size());
}

bool all_zero(const char* data, std::size_t size) {
  return std::all_of(data, data + size, [](char c) { return c == 0; });
}

}  // namespace

TEST_CASE("wiping buffer: consumed bytes are zero at once, the rest stays") {
  WipingBuffer buffer(64 * 1024);
  add(buffer, "token-and-rest");
  const char* const memory = buffer.content().data();
  buffer.consume(10);
  CHECK(all_zero(memory, 10));
  CHECK(buffer.content() == "rest");
  buffer.consume(4);
  CHECK(buffer.empty());
  CHECK(all_zero(memory, 14));
}

TEST_CASE("wiping buffer: moved content leaves nothing behind") {
  WipingBuffer buffer(64 * 1024);
  const std::size_t capacity = buffer.prepare().size();
  add(buffer, std::string(capacity, 'a'));
  const char* const memory = buffer.content().data();
  buffer.consume(capacity - 3);
  CHECK(buffer.prepare().size() == capacity - 3);  // made room by moving three bytes to the front
  CHECK(buffer.content() == "aaa");
  CHECK(buffer.content().data() == memory);
  CHECK(all_zero(memory + 3, capacity - 3));
}

TEST_CASE("wiping buffer: grows to its maximum and no further") {
  WipingBuffer buffer(40'000);
  std::size_t size = 0;
  for (auto room = buffer.prepare(); !room.empty(); room = buffer.prepare()) {
    std::fill(room.begin(), room.end(), 'x');
    buffer.commit(room.size());
    size += room.size();
  }
  CHECK(size == 40'000);
  CHECK(buffer.content() == std::string(40'000, 'x'));
}

}  // namespace coffer::net
