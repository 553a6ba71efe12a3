// Where the sealed value of a secret version is found: only in its event, which is kept for ever.
// The store's row names the event's number in the tenant's log, so a write stores its value once.
// Stores of earlier builds hold the value in the row itself; both are read. Thread-safe.
// Errors: corrupt, when the row, its event or the version in it is missing or does not open.
#pragma once

#include "actors/tenant_keys.h"
#include "events/log/event_log.h"

namespace coffer::actors {

// The row to append together with the event that carries the value.
[[nodiscard]] log::StateChange sealed_value_row(Bytes key);

[[nodiscard]] Result<Bytes> read_sealed_value(const log::EventLog& log, const TenantKeys& keys,
                                              const SecretId& secret, VersionNumber version,
                                              BytesView key);

}  // namespace coffer::actors
