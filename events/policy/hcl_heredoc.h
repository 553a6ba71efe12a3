// Heredocs of HCL version 1: <<MARK or <<-MARK, lines, and the mark on a line of its own.
#pragma once

#include <string>
#include <string_view>

#include "events/base/result.h"

namespace coffer::policy::hcl {

struct Heredoc {
  std::string text;      // every line with its line break
  std::size_t consumed;  // bytes of the input, up to the end of the closing mark
};

// `input` begins with "<<". With "<<-" the indentation of the closing mark is taken off every line,
// if all of them have it. Errors: invalid_argument, without a position.
[[nodiscard]] Result<Heredoc> read_heredoc(std::string_view input);

}  // namespace coffer::policy::hcl
