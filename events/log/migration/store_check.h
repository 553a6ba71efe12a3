// Walks through a whole store: every tenant's chain and the access chain from their first record to
// the last, and counts everything. Needs no key: it works on sealed bytes. Holds one row and one
// head for each tenant at a time. Threads: any; the store must not be written meanwhile.
//
// What it cannot see: a change of a tenant's last record, or of a row, that keeps the library's
// checksums right. Nothing behind it attests to it; the server finds it when it unseals it.
#pragma once

#include <cstdint>

#include "events/log/rocksdb_state.h"

namespace coffer::log {

struct StoreSummary {
  std::uint64_t tenants = 0;  // with at least one record
  std::uint64_t events = 0;
  std::uint64_t access_records = 0;
  std::uint64_t keys = 0;  // wrapped
  std::uint64_t rows = 0;  // of the state, the wrapped keys too, the engine's own not
  std::uint64_t last_epoch = 0;
  // SHA-256 chain over those rows in their order; equal digests: equal rows.
  Sha256 rows_digest{};
  friend bool operator==(const StoreSummary&, const StoreSummary&) = default;
};

// Errors: corrupt, with the tenant and the number of the record that is damaged or does not follow;
// invalid_argument (records of another partition than 0); unavailable (I/O).
[[nodiscard]] Result<StoreSummary> check_store(const RocksDbState& store);

}  // namespace coffer::log
