// The trace that a request belongs to, as its client says: header traceparent of W3C Trace Context,
// level 1 (https://www.w3.org/TR/trace-context/). Taken over into access records and logs; nothing
// is made up for a request without one, whose request id says as much. Pure.
#pragma once

#include <string>
#include <string_view>

#include "net/http/http_server.h"

namespace coffer::net::vault {

// In the form of version 00: "00-<trace id>-<parent id>-<flags>", 55 bytes. Empty when there is
// none, more than one, or one that breaks the rules: then it counts as absent.
[[nodiscard]] std::string trace_parent(const HttpRequest& request);
[[nodiscard]] std::string parse_trace_parent(std::string_view header);
// Of a parsed one; empty for none.
[[nodiscard]] std::string_view trace_id_of(std::string_view trace_parent) noexcept;

}  // namespace coffer::net::vault
