// What a body held must not stay in memory that was given back. This file replaces the allocation
// functions of the test program: freed blocks are searched for a marker while a test asks for it.
#include <doctest/doctest.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "events/json/json_value.h"

namespace {

thread_local std::string_view marker;
thread_local int blocks_freed = 0;
thread_local int blocks_with_marker = 0;

void search_and_free(void* block) noexcept {
  if (block != nullptr && !marker.empty()) {
    ++blocks_freed;
    const std::size_t size = malloc_usable_size(block);
    if (memmem(block, size, marker.data(), marker.size()) != nullptr) ++blocks_with_marker;
  }
  std::free(block);
}

void* allocate(std::size_t size) {
  // Zeroed, so that what an earlier owner left is not blamed on the next one.
  if (void* block = std::calloc(1, size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::calloc(1, size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return std::calloc(1, size);
}
void operator delete(void* block) noexcept {
  search_and_free(block);
}
void operator delete[](void* block) noexcept {
  search_and_free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  search_and_free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  search_and_free(block);
}

namespace {

using namespace coffer;

// How many freed blocks still held the marker, of a plain and of an escaped copy of it.
template <class Action>
int leaks_of(Action action) {
  blocks_freed = blocks_with_marker = 0;
  marker = "hunter2-hunter2-hunter2";
  action();
  marker = {};
  CHECK(blocks_freed > 0);
  return blocks_with_marker;
}

const char* const kBody =
    R"({"plain":"hunter2-hunter2-hunter2","escaped":"\n\u00e9hunter2-\u0068unter2-hunter2"})";

TEST_CASE("json: the search finds a block that was not wiped") {
  CHECK(leaks_of([] {
          auto* copy = new std::string(kBody);
          delete copy;
        }) == 1);
}

TEST_CASE("json: a document, its copies and its output leave nothing behind") {
  CHECK(leaks_of([] {
          auto document = json::Document::parse(kBody);
          REQUIRE(document.ok());
          json::Document copy;
          copy.set_root(json::merge_patch(copy, nullptr, document->root()));
          SecretBytes out;
          json::write(copy.root(), out);
        }) == 0);
}

TEST_CASE("json: a refused text leaves nothing behind") {
  CHECK(leaks_of([] {
          CHECK_FALSE(json::Document::parse(std::string_view(kBody, std::strlen(kBody) - 1)).ok());
          json::ParseLimits limits;
          limits.nodes_max = 4;
          CHECK_FALSE(json::Document::parse(kBody, limits).ok());
        }) == 0);
}

}  // namespace
