// What a store that came from another node must show before this one uses it. The chains prove the
// events; the rows of the state are sealed by the vault's keys, but that they are the latest is on
// the word of the peer, whose certificate the cluster's authority has signed.
// Threads: one caller. Errors: corrupt names what is wrong, unavailable: try again.
#pragma once

#include <functional>

#include "events/log/kafka/kafka_reader.h"
#include "events/log/kafka/kafka_topics.h"
#include "events/log/kafka/record_applier.h"
#include "events/log/rocksdb_state.h"

namespace coffer::log {

struct CheckedStore {
  ReplicaPlace place;
  std::uint64_t tenants = 0;
  std::uint64_t events = 0;
  std::uint64_t access = 0;
  // Of the last event; epoch 0 when there is none.
  Sha256 last_hash{};
  std::uint64_t last_epoch = 0;
  Nonce128 last_nonce;
};

// False: stop. Called between the records, not for each.
using GoOn = std::function<bool()>;

// Every tenant's chain from its first record to the last one that the index knows, positions
// without gaps, the index of each record, epochs that never fall, and the chain of access records
// from the last trimmed one on. (Rules: chain_builder.h, claim_rule.h.)
[[nodiscard]] Result<CheckedStore> check_chains(const RocksDbState& state, PartitionId partition,
                                                const GoOn& go_on);

// The last event that counts below the store's place in the topic "events" must be the store's last
// one, under the same claim. Another cluster's topic, a store of another history, or one that lacks
// or invents events at its end, does not agree.
[[nodiscard]] Result<void> check_against_topic(KafkaReader& reader, const KafkaTopicNames& topics,
                                               PartitionId partition, const CheckedStore& store,
                                               Milliseconds stall_max);

}  // namespace coffer::log
