#include "tests/cluster_sim/sim_broker.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace coffer::sim {

std::uint64_t BrokerPartition::next_sequence(std::uint64_t producer) const {
  for (auto it = log_.rbegin(); it != log_.rend(); ++it)
    if (it->producer == producer) return it->sequence + 1;
  return 0;
}

bool BrokerPartition::append(BrokerRecord record, Acknowledge acknowledge) {
  if (!has_leader()) return false;
  const auto expected = next_sequence(record.producer);
  if (record.sequence > expected) return false;
  if (record.sequence < expected) {
    const auto found = std::find_if(log_.rbegin(), log_.rend(), [&](const auto& other) {
      return other.producer == record.producer && other.sequence == record.sequence;
    });
    const auto offset = static_cast<std::uint64_t>(log_.rend() - found) - 1;
    if (offset < committed_)
      acknowledge(std::nullopt);
    else
      awaiting_.emplace(offset, std::pair{std::move(acknowledge), true});
    return true;
  }
  const auto offset = log_.size();
  log_.push_back(std::move(record));
  awaiting_.emplace(offset, std::pair{std::move(acknowledge), false});
  world_.after(world_.delay(replication_max_),
               [this, offset, generation = generation_] { commit(offset + 1, generation); });
  return true;
}

void BrokerPartition::commit(std::uint64_t upto, std::uint64_t generation) {
  if (generation != generation_ || !has_leader()) return;
  for (; committed_ < upto; ++committed_)
    if (on_commit) on_commit(committed_, log_[committed_]);
  while (!awaiting_.empty() && awaiting_.begin()->first < committed_) {
    const auto offset = awaiting_.begin()->first;
    auto [acknowledge, repeated] = std::move(awaiting_.begin()->second);
    awaiting_.erase(awaiting_.begin());
    acknowledge(repeated ? std::nullopt : std::optional{offset});
  }
  notify();
}

void BrokerPartition::fail_over(Nanos outage) {
  const auto survive = committed_ + world_.below(log_.size() - committed_ + 1);
  world_.note(fmt::format("{} loses its leader for {} ms and {} unacknowledged records", name_,
                          outage / kMillisecond, log_.size() - survive));
  stale_end_ = committed_;
  log_.resize(survive);
  awaiting_.clear();
  ++generation_;
  leader_from_ = std::max(leader_from_, world_.now() + outage);
  world_.at(leader_from_, [this, generation = generation_] { commit(log_.size(), generation); });
}

void BrokerPartition::compact() {
  std::set<Bytes> later;
  for (auto offset = committed_; offset-- > 0;)
    if (!later.insert(log_[offset].key).second) {
      log_[offset].compacted = true;
      log_[offset].value.reset();
    }
}

void BrokerPartition::notify() {
  std::erase_if(listeners, [](const auto& listener) { return listener.expired(); });
  const auto copy = listeners;
  for (const auto& listener : copy)
    if (const auto call = listener.lock()) (*call)();
}

BrokerPartition& SimBroker::partition(const std::string& topic) {
  auto& found = partitions_[topic];
  if (!found) found = std::make_unique<BrokerPartition>(world_, topic);
  return *found;
}

}  // namespace coffer::sim
