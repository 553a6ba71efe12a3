// One record of the access log: who asked for what, and how it ended. A plain value, sealed and
// stored by others. It never holds a secret value or a token: tokens appear as keyed hashes only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "events/base/ids.h"
#include "events/base/time.h"

namespace coffer::audit {

struct AccessRecord {
  Timestamp time;
  std::string request_id;
  TenantId tenant;
  std::string namespace_path;
  std::string remote_address;
  std::string operation;  // "read", "create", "update", "patch", "delete", "list", ...
  std::string path;
  std::string token_hmac;           // hex; empty when no token was sent
  std::string token_accessor_hmac;  // hex; empty when the token is unknown
  std::string display_name;
  std::vector<std::string> policies;
  std::string matched_rule;  // the policy rule that decided; empty when none matched
  std::uint16_t status = 0;  // as answered over HTTP
  std::string error_class;   // name of the ErrorCode; empty on success
  VersionNumber secret_version = 0;
  // 0: this record is one request. n: it stands for n refused requests of one source within one
  // second, see RefusalCollapser.
  std::uint32_t collapsed_count = 0;
  std::string trace_parent;  // of W3C Trace Context, as the client sent it; empty: none
  friend bool operator==(const AccessRecord&, const AccessRecord&) = default;
};

// How many requests the record accounts for.
[[nodiscard]] std::uint32_t requests_of(const AccessRecord& record) noexcept;

}  // namespace coffer::audit
