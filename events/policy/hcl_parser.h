// HCL version 1, the subset that policies use -> a small tree. `a "b" { }`, `a = { b = { } }` and
// the JSON {"a": {"b": {}}} give the same tree, so that what reads it knows one shape only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "events/base/result.h"
#include "events/policy/hcl_lexer.h"

namespace coffer::policy::hcl {

inline constexpr std::size_t kNestingMax = 16;

struct Item;

struct Node {
  enum class Kind : std::uint8_t { null, boolean, number, string, list, object };
  Kind kind = Kind::null;
  std::string text;           // string; number and boolean as they were written
  std::vector<Node> items;    // list
  std::vector<Item> members;  // object; names may repeat
};

struct Item {
  std::string name;
  Node value;
  Position at;
};

// The text as one object. Errors: invalid_argument with line and column.
[[nodiscard]] Result<Node> parse(std::string_view text);

}  // namespace coffer::policy::hcl
