// `coffer status`: what the server says without a token.
#pragma once

#include "tools/coffer/api_client.h"
#include "tools/coffer/output.h"

namespace coffer::cli {

// Exit::attention: sealed or not initialised.
[[nodiscard]] Result<Exit> show_status(ApiClient& client, bool json);

}  // namespace coffer::cli
