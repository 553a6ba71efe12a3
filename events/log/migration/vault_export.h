// Writes a store into empty topics so that whoever reads these from the beginning has the same
// store:
//   events: the claim of every epoch of the source with its records as they are, the mark behind
//           the first claim, then under a claim of its own all rows of the state; at last the mark
//           is taken away and the claim released
//   access: the same last claim and the access records that are left
//   keys:   the wrapped keys that rows refer to, each before its row
// Records keep their bytes, so their chains stay. Streams: what is under way is bounded.
// Threads: one caller.
#pragma once

#include "events/codec/meta_codec.h"
#include "events/codec/replicated_codec.h"
#include "events/log/kafka/kafka_options.h"
#include "events/log/migration/topic_writer.h"
#include "events/log/rocksdb_state.h"

namespace coffer::log {

class VaultExport {
 public:
  // `source` outlives it. The topics exist and are empty. `last_epoch` of the source's claims,
  // `nonce` of the claim for the rows.
  [[nodiscard]] static Result<std::unique_ptr<VaultExport>> start(const RocksDbState& source,
                                                                  const KafkaLogOptions& options,
                                                                  std::uint64_t last_epoch,
                                                                  const Nonce128& nonce);

  // In this order; each is acknowledged when it returns. Errors: as TopicWriter.
  [[nodiscard]] Result<void> write_events(const codec::MigrationRow& mark);
  [[nodiscard]] Result<void> write_access();
  [[nodiscard]] Result<void> write_rows();
  // The vault is the nodes' from here on.
  [[nodiscard]] Result<void> finish();

 private:
  VaultExport(const RocksDbState& source, const KafkaLogOptions& options,
              std::unique_ptr<KafkaProducer> producer, std::uint64_t epoch, const Nonce128& nonce);
  Result<void> send(TopicWriter& topic, const codec::ReplicatedRecord& record);
  Result<void> send_rows(codec::AppendBody& body);
  Result<void> claim(TopicWriter& topic, const Claim& claim, std::string node);
  Result<void> write_event(BytesView bytes, Claim& current);
  Result<void> begin(const Claim& first, const codec::MigrationRow& mark);
  Result<void> write_family(Family family);
  Result<void> write_keys();

  const RocksDbState& source_;
  std::size_t message_bytes_max_;
  std::unique_ptr<KafkaProducer> producer_;
  TopicWriter events_;
  TopicWriter access_;
  TopicWriter keys_;
  Claim own_;
};

}  // namespace coffer::log
