// Options of the replicated log and its followers.
#pragma once

#include "events/log/kafka/kafka_client.h"
#include "events/log/kafka/kafka_topics.h"
#include "events/log/kafka/record_version.h"
#include "events/log/rocksdb_log.h"

namespace coffer::log {

struct KafkaLogOptions {
  KafkaClientOptions client;
  KafkaTopicOptions topics;
  // The node's own materialised state. Kafka is the truth, so nothing here is synced: what a power
  // failure takes is read from the topics again.
  RocksDbOptions store;
  std::string node = "coffer";                // names this node in its claims, for people
  std::vector<PartitionId> partitions = {0};  // that this node owns or follows
  // How long the owner answers reads on the strength of its last acknowledged record, and how long
  // the next owner waits for that. The same on all nodes.
  Milliseconds lease{1'200};
  // Takes over although the vault is marked as moving or moved (migration_mark.h): only for the
  // migration itself.
  bool takes_marked_vault = false;
  // What this node reads, and writes at most.
  std::uint32_t record_version_max = kRecordVersionMax;
  Milliseconds stall_max{15'000};  // catching up fails after so long without progress
};

}  // namespace coffer::log
