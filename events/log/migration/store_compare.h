// Two stores row for row: both logs, the index of the records, and the state, but for the rows that
// each engine keeps for itself. Streams; holds one row of each. Threads: any.
#pragma once

#include "events/log/rocksdb_state.h"

namespace coffer::log {

// Errors: corrupt, with the table and the key of the first difference; unavailable (I/O).
[[nodiscard]] Result<void> compare_stores(const RocksDbState& source, const RocksDbState& copy);

}  // namespace coffer::log
