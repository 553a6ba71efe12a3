// Turns messages of a partition into one batch of the local store: asks the claim rule, checks the
// chains, installs wrapped keys, and writes the place in the topics with what was applied, so that
// a crash can never separate them. The same code applies a node's own records and those of others.
//
// An instance is for one batch: add messages in the order of their offsets, then write(). An error
// leaves store and place as they were. Errors: corrupt (a record that counts does not fit: nothing
// may be applied behind it), and what the blob source and the store say.
// Threads: one at a time.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "events/codec/replicated_codec.h"
#include "events/log/kafka/ownership_rules.h"
#include "events/log/state_store.h"

namespace coffer::log {

// What the claim rule looks at.
[[nodiscard]] ClaimedRecord claimed(const codec::ReplicatedRecord& record);

// How far a node's store has applied the topics of a partition.
struct ReplicaPlace {
  std::uint64_t events_next = 0;  // offsets of the next messages
  std::uint64_t access_next = 0;
  std::uint64_t keys_next = 0;
  ClaimState events_claim;
  ClaimState access_claim;
  std::string owner;  // node of events_claim; empty: nobody has claimed it yet
  // Records that counted since the start, claims left out.
  std::uint64_t events_admitted = 0;
  std::uint64_t access_admitted = 0;
  // Retention took access records (and claims among them) that were never applied: until the next
  // claim, the record with the highest epoch says whose they are.
  bool access_gap = false;
  // How many rows wait for their blob: those of a snapshot, which has none, and those whose blob
  // was not in the topic any more when their event was applied, since the event that destroys it is
  // still to come. The rows are in the store (missing_row). 0 when caught up.
  std::uint64_t missing = 0;
};

// Key rows that wait for their blob, with its hash; kept in the store, since there may be as many
// as there are keys.
[[nodiscard]] Bytes missing_row(PartitionId partition, const Bytes& row);
[[nodiscard]] Result<std::uint64_t> count_missing(const StateStore& state, PartitionId partition);

// Reads what RecordApplier::write left; a new store begins at zero. Errors: invalid_argument (an
// embedded vault's store), corrupt.
[[nodiscard]] Result<ReplicaPlace> load_place(const StateStore& state, PartitionId partition);

class BlobSource {
 public:
  virtual ~BlobSource() = default;
  // The blob of a row with this hash; nothing when it is not there any more. `event_offset` names
  // the asking message: what it refers to was in the topic before it.
  virtual Result<std::optional<Bytes>> find(BytesView row, const Sha256& hash,
                                            std::uint64_t event_offset) = 0;
  // A claim counts at this point of the events.
  virtual void claimed(const ClaimState& claim) = 0;
};

class RecordApplier {
 public:
  RecordApplier(StateStore& state, PartitionId partition, ReplicaPlace& place, BlobSource& blobs,
                const OwnershipRules& rules = OwnershipRules::standard());

  Result<void> add_event_message(std::uint64_t offset, const codec::ReplicatedRecord& record);
  Result<void> add_access_message(std::uint64_t offset, const codec::ReplicatedRecord& record);
  // What the topic "keys" says of a row that waits: its blob, if it is the one waited for; whether
  // it was installed. Then a tombstone: the row that got that blob waits again.
  Result<bool> install_missing(const Bytes& row, const Sha256& hash, BytesView blob);
  Result<void> withdraw(const Bytes& row, const Sha256& hash);
  // `keys_next`: from where the topic "keys" has to be read again after a restart.
  Result<void> write(std::uint64_t keys_next);

  // Message keys of blobs that no row holds any more through what was added; for tombstones.
  [[nodiscard]] std::vector<Bytes> dead_keys() const;

 private:
  Result<void> add_command(std::uint64_t offset, const codec::ReplicatedRecord& record,
                           const codec::AppendBody& body);
  Result<void> add_event(const codec::ReplicatedRecord& record, BytesView bytes);
  Result<void> add_change(const codec::RowChange& change, std::uint64_t offset);
  Result<void> add_range(const codec::RowRange& range);
  Result<void> begin_access(const codec::AccessStart& start);
  Result<void> add_access(const codec::AppendBody& body);
  Result<void> put_key(const Bytes& row, const Sha256& hash, std::uint64_t offset);
  Result<void> note_dead_key(const Bytes& row);
  Result<void> note_dead_keys_below(const Bytes& prefix);
  [[nodiscard]] Result<std::optional<Sha256>> awaited(const Bytes& row) const;
  void await(const Bytes& row, const Sha256& hash);
  Result<void> forget_missing(const Bytes& row);
  Result<void> forget_missing_below(const Bytes& prefix);

  StateStore& state_;
  PartitionId partition_;
  ReplicaPlace& place_;
  BlobSource& blobs_;
  const OwnershipRules& rules_;
  ReplicaPlace next_;
  std::unique_ptr<StateBatch> batch_;
  PartitionHeads heads_;
  std::unordered_map<TenantId, TenantHead> tenants_;
  std::map<Bytes, std::optional<Sha256>> key_rows_;  // as this batch leaves them
  std::map<Bytes, std::optional<Sha256>> missing_;   // likewise
  std::set<Bytes> dead_keys_;
};

}  // namespace coffer::log
