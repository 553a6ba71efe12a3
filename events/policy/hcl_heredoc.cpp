#include "events/policy/hcl_heredoc.h"

#include <algorithm>
#include <vector>

namespace coffer::policy::hcl {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view without_carriage_return(std::string_view line) noexcept {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view without_indentation(std::string_view line) noexcept {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  return line;
}

bool is_mark(std::string_view mark) noexcept {
  return !mark.empty() && std::all_of(mark.begin(), mark.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

std::string join(const std::vector<std::string_view>& lines, std::string_view indentation) {
  const bool indented = std::all_of(lines.begin(), lines.end(), [&](std::string_view line) {
    return line.starts_with(indentation);
  });
  std::string text;
  for (const std::string_view line : lines) {
    text.append(line.substr(indented ? indentation.size() : 0)).append(1, '\n');
  }
  return text;
}

}  // namespace

Result<Heredoc> read_heredoc(std::string_view input) {
  const bool may_indent = input.starts_with("<<-");
  const std::size_t mark_start = may_indent ? 3 : 2;
  std::size_t line_end = input.find('\n');
  if (line_end == std::string_view::npos) {
    return fail(ErrorCode::invalid_argument, "heredoc not terminated");
  }
  const auto mark = without_carriage_return(input.substr(mark_start, line_end - mark_start));
  if (!is_mark(mark)) return fail(ErrorCode::invalid_argument, "illegal heredoc mark");

  std::vector<std::string_view> lines;
  while (line_end != std::string_view::npos) {
    const std::size_t start = line_end + 1;
    line_end = input.find('\n', start);
    const auto line = without_carriage_return(input.substr(start, line_end - start));
    const auto candidate = may_indent ? without_indentation(line) : line;
    if (candidate == mark) {
      const std::size_t indentation = line.size() - mark.size();
      return Heredoc{join(lines, line.substr(0, indentation)), start + line.size()};
    }
    lines.push_back(line);
  }
  return fail(ErrorCode::invalid_argument, "heredoc not terminated");
}

}  // namespace coffer::policy::hcl
