#include "events/json/json_value.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "events/json/json_arena.h"

namespace coffer::json {
namespace {

constexpr std::size_t kFirstChunkBytes = 1024;
constexpr std::size_t kChunkBytesMax = 256 * 1024;
const Value kNull;

}  // namespace

const Value* Value::find(std::string_view key) const noexcept {
  for (const Member& member : members_) {
    if (member.key == key) return member.value;
  }
  return nullptr;
}

Document::Arena::~Arena() {
  for (Chunk& chunk : chunks_) wipe_memory(chunk.bytes.get(), chunk.size);
}

void Document::Arena::grow(std::size_t size) {
  const std::size_t doubled = chunks_.empty() ? kFirstChunkBytes : chunks_.back().size * 2;
  const std::size_t chunk_size = std::max(size, std::min(doubled, kChunkBytesMax));
  chunks_.push_back({std::make_unique_for_overwrite<char[]>(chunk_size), chunk_size});
  used_ = 0;
}

char* Document::Arena::allocate(std::size_t size, std::size_t alignment) {
  std::size_t start = (used_ + alignment - 1) & ~(alignment - 1);
  if (chunks_.empty() || chunks_.back().size < start || chunks_.back().size - start < size) {
    grow(size);
    start = 0;  // operator new aligns a chunk for every type that lives here
  }
  used_ = start + size;
  return chunks_.back().bytes.get() + start;
}

char* Document::Arena::reserve(std::size_t size) {
  if (chunks_.empty() || chunks_.back().size - used_ < size) grow(size);
  return chunks_.back().bytes.get() + used_;
}

std::string_view Document::Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* target = allocate(text.size(), 1);
  std::memcpy(target, text.data(), text.size());
  return {target, text.size()};
}

Value* Document::Arena::make_blank(Kind kind) {
  auto* value = new (allocate(sizeof(Value), alignof(Value))) Value();
  value->kind_ = kind;
  return value;
}

const Value* Document::Arena::make(Kind kind, bool flag) {
  Value* value = make_blank(kind);
  value->flag_ = flag;
  return value;
}

const Value* Document::Arena::make(Kind kind, std::string_view text) {
  Value* value = make_blank(kind);
  value->text_ = text;
  return value;
}

const Value* Document::Arena::make(std::span<const Value* const> items) {
  Value* value = make_blank(Kind::array);
  value->items_ = items;
  return value;
}

const Value* Document::Arena::make(std::span<const Member> members) {
  Value* value = make_blank(Kind::object);
  value->members_ = members;
  return value;
}

Document::Document() : arena_(std::make_unique<Arena>()), root_(&kNull) {}
Document::~Document() = default;

// A moved-from document must not show the values that went away with its arena.
Document::Document(Document&& other) noexcept
    : arena_(std::move(other.arena_)), root_(std::exchange(other.root_, &kNull)) {}

Document& Document::operator=(Document&& other) noexcept {
  if (this != &other) {
    arena_ = std::move(other.arena_);
    root_ = std::exchange(other.root_, &kNull);
  }
  return *this;
}

const Value* Document::make_null() {
  return arena_->make(Kind::null);
}
const Value* Document::make_bool(bool flag) {
  return arena_->make(Kind::boolean, flag);
}

const Value* Document::make_number(std::string_view raw) {
  return arena_->make(Kind::number, arena_->copy(raw));
}

const Value* Document::make_string(std::string_view text) {
  return arena_->make(Kind::string, arena_->copy(text));
}

const Value* Document::make_array(std::span<const Value* const> items) {
  return arena_->make(arena_->copy(items));
}

const Value* Document::make_object(std::span<const Member> members) {
  std::vector<Member> owned(members.begin(), members.end());
  for (Member& member : owned) member.key = arena_->copy(member.key);
  return arena_->make(arena_->copy(std::span<const Member>(owned)));
}

const Value* Document::adopt(const Value& value) {
  switch (value.kind()) {
    case Kind::null:
      return make_null();
    case Kind::boolean:
      return make_bool(value.boolean());
    case Kind::number:
      return make_number(value.text());
    case Kind::string:
      return make_string(value.text());
    case Kind::array: {
      std::vector<const Value*> items;
      items.reserve(value.items().size());
      for (const Value* item : value.items()) items.push_back(adopt(*item));
      return make_array(items);
    }
    case Kind::object: {
      std::vector<Member> members;
      members.reserve(value.members().size());
      for (const Member& member : value.members()) {
        members.push_back({member.key, adopt(*member.value)});
      }
      return make_object(members);
    }
  }
  COFFER_CHECK(false);
  return nullptr;
}

}  // namespace coffer::json
