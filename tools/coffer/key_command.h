// `coffer key`: the key of a namespace, and how its last rotation went.
#pragma once

#include "tools/coffer/api_client.h"
#include "tools/coffer/output.h"

namespace coffer::cli {

// Exit::attention: a rotation does not go on.
[[nodiscard]] Result<Exit> show_key(ApiClient& client, bool json);

}  // namespace coffer::cli
