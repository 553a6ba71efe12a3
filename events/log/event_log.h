// The append-only log and the state that is written with it. One interface for the embedded store
// (RocksDB), the in-memory twin (tests, simulation) and later the replicated log: nothing above
// events/log knows which one runs.
//
// append() takes what queued up since the last call and makes it durable as one unit: either every
// element is durable when it returns, or none is acknowledged. It numbers the tenant's records
// without gaps, links them by hash, and puts the state changes of an element in the same atomic
// batch as its event, so a crash can never separate them.
//
// Threads: append() and trim_access() are called by one writer at a time (the log writer actor);
// everything of StateReader and the read functions may be called from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "events/base/bytes.h"
#include "events/base/ids.h"
#include "events/base/result.h"
#include "events/base/time.h"
#include "events/codec/event_codec.h"

namespace coffer::log {

// The column families of the state. Row keys: state_keys.h.
enum class Family : std::uint8_t {
  meta,        // initialisation record, format version
  tenants,     // tenant -> keyring references, parent, sealed name
  aggregates,  // tenant, kind, id -> stamped sealed snapshot
  values,      // tenant, secret, version -> number of the event that holds the sealed value
  keys,        // tenant, key -> wrapped blob; uncompressed, shredded on delete
  listing,     // tenant, mount, folder hash, child hash -> sealed child name
  tokens,      // token -> tenant and stamped sealed snapshot
  accessors,   // tenant, accessor hash -> sealed accessor and token
};
inline constexpr std::size_t kFamilyCount = 8;

struct StateChange {
  Family family = Family::meta;
  Bytes key;
  std::optional<Bytes> value;  // absent: delete
  bool stamped = false;        // put the record's tenant sequence (8 bytes) in front of the value
};

// A row that gets `value` if it is still `expected` when the batch is written. A row that was
// changed or deleted since it was read, also by this batch, stays as it is: whoever works from what
// it read a while ago never brings back what has been destroyed meanwhile. The appending thread is
// the only one that writes, so nothing can come between the comparison and the write.
struct Replacement {
  Family family = Family::meta;
  Bytes key;
  Bytes expected;
  Bytes value;
};

// Every row of a family whose key begins so is deleted.
struct PrefixDelete {
  Family family = Family::meta;
  Bytes prefix;
};

// Removal of one leaf of the listing. `rows` goes from the leaf's row up to the top folder's; a
// folder's row goes too when its folder (the key's first 48 bytes of the row below) is empty.
struct ListingRemoval {
  std::vector<Bytes> rows;
};

struct EventAppend {
  TenantId tenant;
  Timestamp time;
  KeyId log_key;
  std::vector<codec::EventHead> heads;
  Bytes payload;  // sealed
  Id128<struct codec::CommandTag> command_id;
};

struct AccessAppend {
  TenantId tenant;
  Timestamp time;
  KeyId log_key;  // zero: payload in the clear
  Bytes payload;
};

struct Append {
  PartitionId partition = 0;
  std::optional<EventAppend> event;
  std::vector<AccessAppend> access;
  std::vector<StateChange> changes;
  std::vector<PrefixDelete> prefix_deletes;
  std::vector<ListingRemoval> listing_removals;
  std::vector<Replacement> replacements;
};

struct Appended {
  TenantSequence tenant_sequence = 0;  // 0 when there was no event
  LogPosition position = 0;
};

struct StoredRecord {
  LogPosition position = 0;
  Bytes bytes;  // an encoded codec::Record or codec::AccessEnvelope
};

struct Row {
  Bytes key;
  Bytes value;
};

class StateReader {
 public:
  virtual ~StateReader() = default;
  virtual Result<std::optional<Bytes>> get(Family family, BytesView key) const = 0;
  // Rows whose key begins with `prefix` and is greater than `after` (empty: from the first), in
  // order, at most `limit`.
  virtual Result<std::vector<Row>> scan(Family family, BytesView prefix, BytesView after,
                                        std::size_t limit) const = 0;
};

struct AccessTrim {
  LogPosition first = 0;  // dropped range, inclusive; 0: nothing was dropped
  LogPosition last = 0;
  Sha256 last_hash{};
};

class EventLog : public StateReader {
 public:
  // Takes the payloads out of `batch`.
  // unavailable: nothing is durable, a later try may work (disk full before the write).
  // unknown_outcome: the write failed half-way; the log refuses everything until it is reopened.
  virtual Result<std::vector<Appended>> append(std::span<Append> batch) = 0;

  virtual Result<std::vector<StoredRecord>> read_events(PartitionId partition, LogPosition from,
                                                        std::size_t limit) const = 0;
  // Records of one tenant from a tenant sequence on.
  virtual Result<std::vector<StoredRecord>> read_tenant(TenantId tenant, TenantSequence from,
                                                        std::size_t limit) const = 0;
  virtual Result<std::vector<StoredRecord>> read_access(PartitionId partition, LogPosition from,
                                                        std::size_t limit) const = 0;
  // The number of a tenant's last record; 0: it has none.
  [[nodiscard]] virtual Result<TenantSequence> tenant_end(const TenantId& tenant) const = 0;
  [[nodiscard]] virtual LogPosition events_end(
      PartitionId partition) const = 0;  // last one; 0: empty
  [[nodiscard]] virtual LogPosition access_end(PartitionId partition) const = 0;

  // Drops access records older than `older_than`, and the oldest beyond `bytes_max`; what is
  // dropped leaves its range and last hash behind (read_access_trim), in the same batch.
  virtual Result<AccessTrim> trim_access(PartitionId partition, Timestamp older_than,
                                         std::uint64_t bytes_max) = 0;
  virtual Result<AccessTrim> read_access_trim(PartitionId partition) const = 0;

  // Returns when no file of the store holds a deleted or replaced value of Family::keys any more.
  // At once when there was none since the last time.
  virtual Result<void> shred_deleted_keys() = 0;
  // An append waits for other machines: it takes about as long for many elements as for one.
  [[nodiscard]] virtual bool is_remote() const noexcept { return false; }
  // True while values of Family::keys were deleted or replaced and not shredded yet.
  [[nodiscard]] virtual bool has_deleted_keys() const noexcept = 0;
};

// SHA-256 of the stored bytes of a record: what the next record's previous_hash holds.
[[nodiscard]] Sha256 record_hash(BytesView stored);

}  // namespace coffer::log
