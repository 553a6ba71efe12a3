// The text of X-Vault-Index: which state of a tenant an answer has seen, in a form that only this
// vault can make. Vault's Go client takes it apart and compares (ParseReplicationState), so the
// form is Vault's:
//
//   base64("v1:" tenant ":" sequence ":0:" tag)
//     tenant    its id, 32 hex digits; the client compares only texts in which this is the same
//     sequence  of the tenant's last event, decimal
//     0         what a secondary cluster has received; there is none
//     tag       hex of the first 16 bytes of HMAC-SHA256 over what stands before its colon, under
//               the root tenant's index key
//
// The key is the same on all nodes and for the vault's life, so an index outlives take-overs,
// restarts and migrations. It says nothing of other tenants: neither their number nor the log's
// position. Pure; Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "actors/tenant_keys.h"

namespace coffer::actors {

struct StateIndex {
  TenantId tenant;
  TenantSequence sequence = 0;  // 0: the tenant has no event yet
  friend bool operator==(const StateIndex&, const StateIndex&) = default;
};

[[nodiscard]] std::string encode_state_index(const TenantKeys& root_keys, const StateIndex& index);

// Error: invalid_argument, for whatever this vault has not made.
[[nodiscard]] Result<StateIndex> decode_state_index(const TenantKeys& root_keys,
                                                    std::string_view text);

}  // namespace coffer::actors
