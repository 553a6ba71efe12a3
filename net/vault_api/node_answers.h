// Answers about one node and its seal, shared by the active node's handlers (sys_health.cpp,
// sys_init.cpp) and a standby (standby.cpp). Pure.
#pragma once

#include "events/api/request_port.h"
#include "net/vault_api/envelope.h"
#include "net/vault_api/fields.h"
#include "net/vault_api/ha_status.h"

namespace coffer::net::vault {

// sys/health. `fields`: the statuses that the caller wants.
[[nodiscard]] Answer health_answer(const Fields& fields, const api::ServiceStatus& status,
                                   bool standby, Timestamp now, const VaultApiOptions& options);
// sys/leader. `ha` null: a single node.
[[nodiscard]] Answer leader_answer(const HaStatus* ha);
// GET sys/init.
[[nodiscard]] Answer init_status_answer(bool initialized);
// PUT sys/init. Errors: invalid_argument, in Vault's words.
[[nodiscard]] Result<api::InitRequest> read_init(const Fields& fields, bool automatic);
// PUT sys/unseal: the share, or nothing when what was given so far is to be forgotten.
// Errors: invalid_argument, in Vault's words.
[[nodiscard]] Result<std::optional<SecretBytes>> read_unseal(const Fields& fields,
                                                             bool initialized);

// sys/cluster/drain: for how long the node stands back; nothing: until it is told otherwise.
// Errors: invalid_argument.
[[nodiscard]] Result<std::optional<Seconds>> read_drain(const Fields& fields);

// sys/metrics. Errors: invalid_argument, a format that is not offered.
[[nodiscard]] Result<void> check_metrics_format(const ParsedRequest& request);
[[nodiscard]] Answer metrics_answer(const VaultApiOptions& options);

[[nodiscard]] HttpResponse to_response(Answer answer);

}  // namespace coffer::net::vault
