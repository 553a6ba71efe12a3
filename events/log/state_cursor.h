// Reads one table of a store from its first row to its last, in the order of the keys, without
// holding more than the present row: for what walks through a whole store. It sees the store as it
// was when the cursor was made. Threads: one at a time. It ends before its store.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "events/base/bytes.h"
#include "events/base/result.h"

namespace rocksdb {
class Iterator;
}  // namespace rocksdb

namespace coffer::log {

// All tables of a store: the state families in the order of log::Family, the logs, and the index
// of the records by tenant.
enum class Table : std::uint8_t {
  meta,
  tenants,
  aggregates,
  values,
  keys,
  listing,
  tokens,
  accessors,
  events,        // partition, position -> record
  tenant_index,  // tenant, sequence -> key in `events`
  access,        // partition, position -> envelope
};
inline constexpr std::size_t kTableCount = 11;
[[nodiscard]] std::string_view table_name(Table table) noexcept;

class StateCursor {
 public:
  StateCursor(StateCursor&&) noexcept;
  StateCursor& operator=(StateCursor&&) noexcept;
  ~StateCursor();

  // False behind the last row, and when reading failed: then status() says so.
  [[nodiscard]] bool valid() const;
  // Precondition: valid(). Until next().
  [[nodiscard]] BytesView key() const;
  [[nodiscard]] BytesView value() const;
  void next();
  // Errors: corrupt (a block does not match its checksum), unavailable (I/O).
  [[nodiscard]] Result<void> status() const;

 private:
  friend class RocksDbState;
  explicit StateCursor(std::unique_ptr<rocksdb::Iterator> iterator);

  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace coffer::log
