// The tokens of one tenant: one change at a time for each token, rows and accessors kept with the
// events. Part of the tenant's actor and used only inside it.
#pragma once

#include <deque>
#include <functional>
#include <unordered_map>

#include "actors/protocols.h"
#include "actors/services.h"

namespace coffer::actors {

class IdentityDesk;

class TokenDesk {
 public:
  // Appends and runs the continuation inside the tenant's actor.
  using Commit = std::function<void(log::Append, std::function<void(const Result<void>&)>)>;

  TokenDesk(Services& services, Commit commit) : services_(services), commit_(std::move(commit)) {}

  // A token of somebody goes through `identities`, in its turn there.
  void create(const CreateToken& request, const TenantSnapshotPtr& tenant,
              IdentityDesk& identities);
  void load(const LoadToken& request, const TenantSnapshot& tenant);
  void change(const ChangeToken& request, const TenantSnapshotPtr& tenant);
  // The tenant's actor ends: what waits is answered as dropped.
  void drop_waiting() noexcept { busy_.clear(); }

 private:
  Result<TokenStatePtr> find(const TokenId& id, const TenantKeys& keys);
  struct Created {
    TokenStatePtr state;
    log::Append append;
  };
  Result<Created> prepare(const CreateToken& request, const TenantSnapshot& tenant,
                          const identity::LoginDecision& login);
  Result<log::Append> build(const TenantSnapshot& tenant, const token::TokenState& after,
                            const std::vector<codec::AnyEvent>& events,
                            const api::AdmissionPtr& admission, int status);
  Result<log::Append> build_forgotten(const TenantSnapshot& tenant,
                                      const token::TokenState& before);
  void finish(const TokenId& id, const TenantSnapshotPtr& tenant);

  Services& services_;
  Commit commit_;
  // Tokens with a change under way, and the changes that wait behind it.
  std::unordered_map<TokenId, std::deque<ChangeToken>> busy_;
};

// A token of the tenant, as it is stored; null when there is none.
[[nodiscard]] Result<TokenStatePtr> stored_token(const log::StateReader& store,
                                                 const TenantKeys& keys, const TokenId& id);
// The stored row of a token: its tenant in front of the sealed snapshot.
[[nodiscard]] Result<std::optional<TenantId>> token_tenant(const log::StateReader& store,
                                                           const TokenId& id);
// Accessors of a tenant with their tokens, at most `limit`.
struct AccessorEntry {
  std::string accessor;
  TokenId token;
};
[[nodiscard]] Result<std::vector<AccessorEntry>> list_accessors(const log::StateReader& store,
                                                                const TenantKeys& keys,
                                                                std::size_t limit);
[[nodiscard]] Result<std::optional<TokenId>> find_accessor(const log::StateReader& store,
                                                           const TenantKeys& keys,
                                                           std::string_view accessor);
// The rows of a new token.
[[nodiscard]] Result<std::vector<log::StateChange>> token_rows(const TenantKeys& keys,
                                                               const token::TokenState& state);

}  // namespace coffer::actors
