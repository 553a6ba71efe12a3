// The brokers of a simulated cluster as their clients see them: partitions with dense offsets, an
// idempotent producer's sequence numbers, a high watermark below which nothing is ever lost, and
// leaders that fail and come back without what no client has been told of.
//
// Not simulated: the loss of acknowledged records (all in-sync brokers lose power together) and
// retention; compaction only of the topic of wrapped keys, by compact().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "events/base/bytes.h"
#include "tests/cluster_sim/sim_world.h"

namespace coffer::sim {

struct BrokerRecord {
  Bytes key;
  std::optional<Bytes> value;
  std::uint64_t producer = 0;
  std::uint64_t sequence = 0;
  bool compacted = false;  // the offset stays, the record is gone
};

class BrokerPartition {
 public:
  BrokerPartition(World& world, std::string name) : world_(world), name_(std::move(name)) {}

  // Called with the offset once it is below the high watermark; nothing: the broker does not say
  // where (a repeated request).
  using Acknowledge = std::function<void(std::optional<std::uint64_t>)>;
  // Not now: no leader, or an earlier request of this producer is missing. Ask again.
  bool append(BrokerRecord record, Acknowledge acknowledge);

  [[nodiscard]] bool has_leader() const noexcept { return world_.now() >= leader_from_; }
  [[nodiscard]] std::uint64_t end() const noexcept { return committed_; }
  [[nodiscard]] const BrokerRecord& at(std::uint64_t offset) const { return log_[offset]; }
  // The leader dies; another is there after `outage`. Of what is not committed a part survives.
  void fail_over(Nanos outage);
  // For a while this end is what a client hears that still asks the deposed leader.
  [[nodiscard]] std::uint64_t stale_end() const noexcept { return stale_end_; }
  // Removes records that a later one with the same key replaces.
  void compact();
  void set_replication_delay(Nanos max) { replication_max_ = max; }

  // What became committed, in order; and that it did.
  std::function<void(std::uint64_t offset, const BrokerRecord&)> on_commit;
  std::vector<std::weak_ptr<std::function<void()>>> listeners;

 private:
  void commit(std::uint64_t upto, std::uint64_t generation);
  [[nodiscard]] std::uint64_t next_sequence(std::uint64_t producer) const;
  void notify();

  World& world_;
  std::string name_;
  std::vector<BrokerRecord> log_;
  std::uint64_t committed_ = 0;
  std::uint64_t generation_ = 0;  // counts leaders
  std::uint64_t stale_end_ = 0;
  Nanos leader_from_ = 0;
  Nanos replication_max_ = 2 * kMillisecond;
  std::multimap<std::uint64_t, std::pair<Acknowledge, bool>> awaiting_;  // by offset; repeated
};

class SimBroker {
 public:
  explicit SimBroker(World& world) : world_(world) {}
  BrokerPartition& partition(const std::string& topic);
  std::map<std::string, std::unique_ptr<BrokerPartition>>& partitions() { return partitions_; }
  std::uint64_t next_producer() { return ++producers_; }

 private:
  World& world_;
  std::map<std::string, std::unique_ptr<BrokerPartition>> partitions_;
  std::uint64_t producers_ = 0;
};

}  // namespace coffer::sim
