// Renders an answer into one buffer: one TLS write, and nothing of the body in a second place.
// Pure; Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "net/http/http_server.h"

namespace coffer::net {

struct ReplyContext {
  bool head = false;  // the request was HEAD: the body is measured, not sent
  bool http10 = false;
  bool keep_alive = false;  // the request and the server both allow it
};

// Replaces the content of `out` and wipes the response's body. An answer that cannot be sent as it
// is (control characters in a header, an impossible status) becomes internal_error_response().
// Returns whether the connection stays open. Headers that describe the connection or the framing,
// and the fixed ones, are the server's own: the handler's are left out.
bool render_response(HttpResponse response, const ReplyContext& context, SecretBytes& out);

// {"errors":["<text>"]}; `text` needs no escaping.
[[nodiscard]] HttpResponse error_response(int status, std::string_view text);
[[nodiscard]] HttpResponse internal_error_response();

}  // namespace coffer::net
