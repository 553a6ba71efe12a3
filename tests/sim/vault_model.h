// The oracle's picture of the vault: what is known from answers alone. `unsure` marks what an
// unanswered change may have altered; clients leave it alone until the next check finds out.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "events/api/request_port.h"
#include "tests/sim/linearizer.h"

namespace coffer::sim {

// What the policies of the simulation grant on "*".
enum class Grant : std::uint8_t { everything, reading, nothing };
[[nodiscard]] std::string policy_text(Grant grant);

struct MountModel {
  std::string path;  // "kv/"
  secret::MountSettings settings;
  bool gone = false;
  bool unsure = false;
  std::map<std::string, Linearizer> secrets;

  Linearizer& secret(const std::string& name) {
    return secrets.try_emplace(name, settings).first->second;
  }
};
using MountPtr = std::shared_ptr<MountModel>;

struct NamespaceModel {
  std::string path;  // "" or "n1/"
  bool gone = false;
  bool unsure = false;
  std::map<std::string, MountPtr> mounts;
  // Name -> what it may grant; nullopt: may be absent. More than one member: unsure.
  std::map<std::string, std::set<std::optional<Grant>>> policies;
};
using NamespacePtr = std::shared_ptr<NamespaceModel>;

struct TokenModel {
  SecretBytes text;
  std::string accessor;
  NamespacePtr home;
  std::shared_ptr<TokenModel> parent;  // null: an orphan
  token::TokenState state;             // as last answered
  bool unsure = false;
  // Of a token with limited uses: requests that may have spent one, and those that have.
  std::uint64_t uses_tried = 0;
  std::uint64_t uses_done = 0;

  [[nodiscard]] bool live(Timestamp now) const;
  [[nodiscard]] bool any_unsure() const;  // it or an ancestor
};
using TokenPtr = std::shared_ptr<TokenModel>;

struct VaultModel {
  std::map<std::string, NamespacePtr> namespaces;  // by path; "" is the root
  std::vector<TokenPtr> tokens;                    // the first is the root token

  // What the oracle expects the gate to say; nothing when it is not sure.
  [[nodiscard]] std::optional<bool> allows(const TokenModel& token, const NamespaceModel& where,
                                           bool writes, Timestamp now) const;
  // True when the token's tenant is neither `where` nor above it: never allowed.
  [[nodiscard]] static bool is_foreign(const TokenModel& token, const NamespaceModel& where);
};

}  // namespace coffer::sim
