// The server's log, on standard error: spdlog, one line an entry, as text
//   2026-11-24T20:31:00.123Z info serving on https://127.0.0.1:8200
// or as JSON (RFC 8259)
//   {"time":"...","level":"info","component":"server","message":"..."}
// with request_id and trace_id where the entry is about one request. What is said is redacted by
// construction: secrets are SecretBytes, which have no way into a format string, and nothing below
// hands a path, a name of a secret or a token to the log.
// Threads: any, after set_up_logging().
#pragma once

#include <string>
#include <string_view>

#include "net/vault_api/vault_api.h"

namespace spdlog {
class logger;
}

namespace coffer::server {

// `level`: "debug", "info", "warn", "error"; `format`: "text", "json".
void set_up_logging(const std::string& level, const std::string& format);

// The log of what the cluster does; set_up_logging() makes it, and before that it is the default.
[[nodiscard]] spdlog::logger& cluster_log();

// At most kFailureLinesMax a second; how many were left out is said with the next line.
inline constexpr unsigned kFailureLinesMax = 10;
void log_failure(const net::RequestFailure& failure);

}  // namespace coffer::server
