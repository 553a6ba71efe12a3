// The pattern of one policy rule: what it matches and which of two matching ones has priority.
// Patterns are exact, prefixes (a '*' at the very end), or have '+' segments (and maybe a '*').
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace coffer::policy {

struct PathPattern {
  explicit PathPattern(std::string_view pattern);

  [[nodiscard]] bool is_exact() const noexcept { return !has_plus && !is_prefix; }
  // Without the final '*'.
  [[nodiscard]] std::string_view body() const noexcept {
    return std::string_view(text).substr(0, text.size() - (is_prefix ? 1 : 0));
  }
  // The part before the first wildcard: every path that matches begins with it.
  [[nodiscard]] std::string_view head() const noexcept {
    return std::string_view(text).substr(0, first_wildcard);
  }
  [[nodiscard]] bool matches(std::string_view path) const noexcept;
  // True when the pattern is as long as `prefix` ("secret/") and can match something at or below
  // it. A shorter pattern is not counted: whether it applies there shows in the rule for `prefix`
  // itself.
  [[nodiscard]] bool reaches(std::string_view prefix) const noexcept;

  std::string text;
  bool has_plus;
  bool is_prefix;
  std::size_t first_wildcard;  // text.size() when exact
  std::size_t plus_segments;
};

// A strict order of wildcard patterns with the same head: true when `a` decides rather than `b`
// where both match. (Of patterns with different heads the one with the longer head decides.)
[[nodiscard]] bool has_priority(const PathPattern& a, const PathPattern& b) noexcept;

}  // namespace coffer::policy
