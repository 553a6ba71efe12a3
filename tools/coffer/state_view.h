// A rebuilt state for people and for programs.
#pragma once

#include <string>

#include "events/base/secret_bytes.h"
#include "tools/coffer/replay.h"

namespace coffer::cli {

[[nodiscard]] std::string state_tables(const ReplayedState& state);
[[nodiscard]] SecretBytes state_json(const ReplayedState& state, const std::string& stream);

}  // namespace coffer::cli
