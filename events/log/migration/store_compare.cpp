#include "events/log/migration/store_compare.h"

#include <fmt/format.h>

#include "events/log/meta_rows.h"

namespace coffer::log {
namespace {

bool same(BytesView a, BytesView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// What trimming left behind is part of the log; the other rows of an engine are its own.
void skip_engine_rows(StateCursor& cursor) {
  while (cursor.valid() && is_engine_row(cursor.key()) &&
         !as_text(cursor.key()).starts_with(kAccessTrimRows))
    cursor.next();
}

Error differs(Table table, const StateCursor& at, std::string_view how) {
  return fail(ErrorCode::corrupt, fmt::format("the row {} of the table {} {}", to_hex(at.key()),
                                              table_name(table), how));
}

Result<void> compare_tables(Table table, StateCursor source, StateCursor copy) {
  while (true) {
    if (table == Table::meta) {
      skip_engine_rows(source);
      skip_engine_rows(copy);
    }
    if (!source.valid() || !copy.valid()) break;
    if (!same(source.key(), copy.key())) {
      const bool missing = std::lexicographical_compare(source.key().begin(), source.key().end(),
                                                        copy.key().begin(), copy.key().end());
      return missing ? differs(table, source, "is not in the copy")
                     : differs(table, copy, "is only in the copy");
    }
    if (!same(source.value(), copy.value()))
      return differs(table, source, "is another in the copy");
    source.next();
    copy.next();
  }
  COFFER_TRY(source.status());
  COFFER_TRY(copy.status());
  if (source.valid()) return differs(table, source, "is not in the copy");
  if (copy.valid()) return differs(table, copy, "is only in the copy");
  return {};
}

}  // namespace

Result<void> compare_stores(const RocksDbState& source, const RocksDbState& copy) {
  for (std::size_t i = 0; i < kTableCount; ++i) {
    const auto table = static_cast<Table>(i);
    COFFER_TRY(compare_tables(table, source.cursor(table), copy.cursor(table)));
  }
  return {};
}

}  // namespace coffer::log
