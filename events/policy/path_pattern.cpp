#include "events/policy/path_pattern.h"

namespace coffer::policy {
namespace {

// Splits at '/' from the left. Like a split into a list, an empty text has one empty segment and a
// final '/' is followed by one: '+' matches that too.
class Segments {
 public:
  explicit Segments(std::string_view text) noexcept : rest_(text) {}
  [[nodiscard]] bool more() const noexcept { return more_; }
  std::string_view next() noexcept {
    const std::size_t slash = rest_.find('/');
    const std::string_view segment = rest_.substr(0, slash);
    more_ = slash != std::string_view::npos;
    if (more_) rest_.remove_prefix(slash + 1);
    return segment;
  }

 private:
  std::string_view rest_;
  bool more_ = true;
};

std::size_t count_plus_segments(std::string_view body) noexcept {
  std::size_t count = 0;
  for (Segments segments(body); segments.more();) count += segments.next() == "+" ? 1 : 0;
  return count;
}

}  // namespace

PathPattern::PathPattern(std::string_view pattern)
    : text(pattern),
      // Also a segment that only begins with '+' makes a '+' rule, in which it stands for itself.
      has_plus(text == "+" || text.starts_with("+/") || text.find("/+") != std::string::npos),
      is_prefix(text.ends_with('*')),
      first_wildcard(has_plus ? text.find('+') : body().size()),
      plus_segments(has_plus ? count_plus_segments(body()) : 0) {}

bool PathPattern::matches(std::string_view path) const noexcept {
  if (!has_plus) return is_prefix ? path.starts_with(body()) : path == text;
  Segments wanted(body());
  Segments given(path);
  while (true) {
    const std::string_view want = wanted.next();
    const std::string_view have = given.next();
    const bool last = !wanted.more();
    if (want != "+" && want != have && !(is_prefix && last && have.starts_with(want))) return false;
    if (last) return is_prefix || !given.more();
    if (!given.more()) return false;
  }
}

bool PathPattern::reaches(std::string_view prefix) const noexcept {
  if (!has_plus) return body().starts_with(prefix);
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  Segments wanted(body());
  Segments given(prefix);
  while (true) {
    const std::string_view want = wanted.next();
    const std::string_view have = given.next();
    const bool last = !wanted.more();
    if (want != "+" && want != have && !(is_prefix && last && have.starts_with(want))) return false;
    if (!given.more()) return true;
    if (last) return false;
  }
}

bool has_priority(const PathPattern& a, const PathPattern& b) noexcept {
  if (a.is_prefix != b.is_prefix) return b.is_prefix;
  if (a.plus_segments != b.plus_segments) return a.plus_segments < b.plus_segments;
  if (a.text.size() != b.text.size()) return a.text.size() > b.text.size();
  return a.text > b.text;
}

}  // namespace coffer::policy
