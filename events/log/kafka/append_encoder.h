// From what the writer is asked to append to the messages that are sent: numbers and links the
// records, resolves what depends on the present state (stamps, folders that become empty), and
// takes wrapped keys out of the rows. Nothing of the log or the store changes. Threads: the log's
// writer.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "events/codec/replicated_codec.h"
#include "events/log/state_store.h"

namespace coffer::log {

struct EncodedMessage {
  codec::ReplicatedRecord record;
  Bytes bytes;  // the record, encoded
};

// What a batch means for one partition, in the order of its elements.
struct EncodedAppends {
  std::vector<EncodedMessage> events;
  std::vector<EncodedMessage> access;
  std::map<Bytes, Bytes> blobs;  // message key -> wrapped key
};

struct EncodedBatch {
  std::map<PartitionId, EncodedAppends> partitions;
  std::vector<Appended> appended;  // one for each element
};

// `claims` holds the claim of every partition that the log owns; an element of another one is
// `unavailable`. `message_bytes_max` bounds each message: too_large. Below record version 2 every
// command has a message of its own. Takes the payloads.
[[nodiscard]] Result<EncodedBatch> encode_appends(std::span<Append> batch, StateStore& state,
                                                  const std::map<PartitionId, Claim>& claims,
                                                  std::size_t message_bytes_max,
                                                  std::uint32_t record_version = 2);

}  // namespace coffer::log
