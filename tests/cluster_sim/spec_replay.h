// What the topics mean, worked out beside the product's code from its written rules: which records
// count (claim_rule.h in words), which commands therefore happened, and what the state is.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "events/codec/replicated_codec.h"
#include "tests/cluster_sim/sim_broker.h"
#include "tests/cluster_sim/sim_store.h"

namespace coffer::sim {

class SpecReplay {
 public:
  // The commands of the record, when it counts.
  std::vector<std::uint64_t> add_event(std::uint64_t offset, const BrokerRecord& record);
  void add_blob(const BrokerRecord& record);

  [[nodiscard]] bool happened(std::uint64_t command) const { return commands_.contains(command); }
  // The first difference between a store that has applied everything and the state; empty: none.
  [[nodiscard]] std::string compare(const SimDisk& disk) const;
  // Whether a row ever referred to the blob with this message key.
  [[nodiscard]] bool was_used(const Bytes& message_key) const {
    return used_.contains(message_key);
  }
  // Message keys of the blobs that rows refer to.
  [[nodiscard]] std::set<Bytes> live_blobs() const;
  [[nodiscard]] std::size_t counted() const noexcept { return events_.size(); }
  [[nodiscard]] std::size_t skipped() const noexcept { return skipped_; }
  [[nodiscard]] std::size_t claims() const noexcept { return claims_; }

 private:
  std::optional<std::uint64_t> apply(const codec::AppendBody& body);

  std::uint64_t epoch_ = 0;
  Nonce128 nonce_;
  bool released_ = false;
  std::size_t skipped_ = 0;
  std::size_t claims_ = 0;
  std::vector<Bytes> events_;
  std::set<std::uint64_t> commands_;
  std::map<Bytes, Bytes> registers_;
  std::map<Bytes, Sha256> keys_;
  std::set<Bytes> used_;
  std::map<Bytes, Bytes> blobs_;  // by message key, all that ever were
};

// The first link of a chain of stored records that does not hold; empty: all do.
[[nodiscard]] std::string check_chains(const SimDisk& disk);

}  // namespace coffer::sim
