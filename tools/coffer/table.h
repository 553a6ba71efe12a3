// A table of text for people: a line of titles, then the rows, columns aligned.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace coffer::cli {

enum class Align : bool { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // Cells are made printable here; an empty one is shown as "-". As many cells as columns.
  void add(std::vector<std::string> cells);
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "850 ns", "1.25 ms", "3.50 s", "2 m 05 s"
[[nodiscard]] std::string short_duration(std::uint64_t ns);

}  // namespace coffer::cli
