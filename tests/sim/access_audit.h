// Reads the access log as an auditor does: opens every record with the tenants' keys, walks the
// hash chain, and compares the records with the requests that were made.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "actors/services.h"
#include "tests/support/vault_world.h"

namespace coffer::sim {

class AccessAudit {
 public:
  explicit AccessAudit(testing::VaultWorld& world);

  // The request ended. `may_repeat`: its answer got lost, so the record of the change and that of
  // the failure may both be there.
  void expect(const std::string& request_id, bool may_repeat);
  // The request began; it may or may not leave a record until expect() says more.
  void began(const std::string& request_id) { known_.emplace(request_id, Expected{}); }
  // Opens the keys of tenants that are new, while they are still there to open.
  void learn_tenants();
  // What is wrong, if anything.
  [[nodiscard]] std::optional<std::string> check();

 private:
  struct Expected {
    bool finished = false;
    bool may_repeat = false;
    unsigned found = 0;
  };
  Result<audit::AccessRecord> open(const log::StoredRecord& stored);
  std::optional<std::string> take(const log::StoredRecord& stored);

  testing::VaultWorld& world_;
  std::shared_ptr<hsm::LockedArena> arena_;  // of the tenants' keys
  std::map<TenantId, actors::TenantKeysPtr> keys_;
  std::map<std::string, Expected> known_;
  LogPosition next_ = 1;
  std::optional<Sha256> previous_;
};

}  // namespace coffer::sim
