#include "tools/coffer/table.h"

#include <algorithm>

#include <fmt/format.h>

#include "events/base/check.h"
#include "tools/coffer/output.h"

namespace coffer::cli {
namespace {

// The last column is not filled up, so that lines do not end in blanks.
void append_cell(std::string& line, const std::string& cell, std::size_t width, Align align,
                 bool last) {
  const std::string fill(width - std::min(width, width_of(cell)), ' ');
  if (align == Align::right) line += fill;
  line += cell;
  if (last) return;
  if (align == Align::left) line += fill;
  line += "  ";
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  COFFER_CHECK(cells.size() == columns_.size());
  for (auto& cell : cells) cell = cell.empty() ? "-" : printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = width_of(columns_[c].title);
    for (const auto& row : rows_) width = std::max(width, width_of(row[c]));
    widths.push_back(width);
  }
  std::string out;
  const auto append_row = [&](const auto& cell_at) {
    for (std::size_t c = 0; c < columns_.size(); ++c)
      append_cell(out, cell_at(c), widths[c], columns_[c].align, c + 1 == columns_.size());
    out += '\n';
  };
  append_row([&](std::size_t c) -> const std::string& { return columns_[c].title; });
  for (const auto& row : rows_)
    append_row([&](std::size_t c) -> const std::string& { return row[c]; });
  return out;
}

std::string short_duration(std::uint64_t ns) {
  const auto value = static_cast<double>(ns);
  if (ns < 1'000) return fmt::format("{} ns", ns);
  if (ns < 1'000'000) return fmt::format("{:.2f} us", value / 1e3);
  if (ns < 1'000'000'000) return fmt::format("{:.2f} ms", value / 1e6);
  if (ns < 60'000'000'000) return fmt::format("{:.2f} s", value / 1e9);
  const auto seconds = ns / 1'000'000'000;
  return fmt::format("{} m {:02} s", seconds / 60, seconds % 60);
}

}  // namespace coffer::cli
