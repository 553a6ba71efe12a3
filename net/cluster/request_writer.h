// Renders the head of a request to a peer. Pure; Threads: any.
#pragma once

#include <string_view>

#include "events/base/secret_bytes.h"
#include "net/http/http_server.h"

namespace coffer::net {

// Whether the request can be written without becoming another one: no separators or control
// characters where they do not belong.
[[nodiscard]] bool is_sendable(const HttpRequest& request) noexcept;

// Replaces the content of `out` by request line and headers, without the body. Framing is written
// anew and headers of the former hop are left out. Without a Host of its own the request gets
// `host`. Precondition: is_sendable().
void render_head(const HttpRequest& request, std::string_view host, SecretBytes& out);

// GET, HEAD, LIST, SCAN: repeating them changes nothing.
[[nodiscard]] bool is_safe_method(std::string_view method) noexcept;

}  // namespace coffer::net
